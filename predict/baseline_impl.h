/*
 * The parts of sorting a recorded log. Private to predict/baseline*.c.
 */
#pragma once

#include "predict/baseline.h"

/* Where in the boot an event stands. */
enum baseline_part {
	PART_BEFORE = 1,  /* before the attempt that led to the chain */
	PART_LOAD = 2,    /* from there up to the loading of the first EFI file */
	PART_BETWEEN = 4, /* between loading and starting it, when QEMU handed it over (-kernel) */
	PART_CHAIN = 8,   /* from there on */
};

/*
 * Find the last boot attempt and the file that it started: attempt, load, first, ready, direct and n_failed of b,
 * whose log is set. PCRCAST_EFORMAT: there is none, or more than one boot.
 */
int baseline_cut(struct baseline *b, struct pcrcast_error *e);
enum baseline_part baseline_part_of(const struct baseline *b, size_t i);

/* Is it an action that begins with this text? */
bool baseline_is_action(const struct event *ev, const char *text);

/* Append the events of this place to the prediction, as observed. */
int baseline_keep_all(struct walk *w, enum baseline_place place, struct pcrcast_error *e);

/* QEMU handed the first file over: the image has to be such a file, too (PCRCAST_EINVAL). */
int baseline_check_direct(struct walk *w, const struct baseline *b, struct pcrcast_error *e);
