/*
 * The readers and writers in the table of formats, by file. Private to golden/.
 */
#pragma once

#include "golden/format.h"

#define GOLDEN_READER(name) int name(const struct golden_input *in, struct golden *g, struct pcrcast_error *e)
#define GOLDEN_WRITER(name) int name(const struct golden *g, struct golden_writer *w, struct pcrcast_error *e)
#define GOLDEN_RECOGNISER(name) bool name(const struct golden_input *in)

/* format_json.c */
GOLDEN_RECOGNISER(json_recognise);
GOLDEN_READER(json_read_golden);
GOLDEN_WRITER(json_write_golden);
