/*
 * A recorded log as the source of the firmware's own events: which of its events are the firmware's, and which belong to
 * the chain that was booted then. Private to predict/.
 */
#pragma once

#include "base/efi/variable.h"
#include "predict/predict.h"

/* Where an event goes in a prediction. */
enum baseline_place {
	BASELINE_NOWHERE, /* the old chain's, or nothing that is extended */
	BASELINE_BEFORE,  /* in front of the first EFI file */
	BASELINE_TABLE,   /* the partition table of the disk that was booted */
	BASELINE_SMBIOS,  /* SMBIOS structures, as systemd's loader and stub measure them */
	BASELINE_AFTER,   /* behind everything: the firmware's words about ExitBootServices() */
};

struct baseline {
	const struct eventlog *log;
	const char *name;              /* of the log, for texts */
	struct baseline_event *events; /* one for each of the log */
	enum baseline_place *places;   /* the same */
	size_t attempt; /* index of the PCR 4 event (separator or action) behind which the last boot attempt begins */
	size_t first;      /* index of the event that loaded the first EFI file */
	unsigned n_failed; /* attempts before it, by the actions in PCR 4 */
	bool table_seen;   /* there is a BASELINE_TABLE event */
	bool left_again;   /* the first EFI file came back to the firmware */
	bool exits;        /* there are events about ExitBootServices() */
};

/*
 * Sort the events of a log. PCRCAST_EUNSUPPORTED or PCRCAST_EFORMAT: it is no log of a firmware that started an EFI file.
 * ret borrows from log; its arrays come from pool.
 */
int baseline_sort(struct pool *pool, const struct eventlog *log, const char *name, struct baseline *ret,
		  struct pcrcast_error *e);

/* A variable in a log's events of PCR 7 about the Secure Boot configuration: the last one of that name; false: none. */
bool baseline_variable(struct pool *pool, const struct eventlog *log, const char *name,
		       struct efi_variable *ret);

/* Does systemd tag events about SMBIOS structures so? */
bool smbios_tag_known(uint32_t tag);

struct walk;

/* Sort the log that the options name into w->baseline, and check that it fits what is asked. Before the first stage. */
int baseline_open(struct walk *w, struct pcrcast_error *e);

/* What the firmware measured before it loaded the first EFI file, all but the table; the table; and the end. */
int baseline_before(struct walk *w, struct pcrcast_error *e);
int baseline_table(struct walk *w, struct pcrcast_error *e);
int baseline_after(struct walk *w, struct pcrcast_error *e);
/*
 * The SMBIOS structures that the baseline's chain measured: are there any? keep_them: they are events of this boot as well. Without
 * a baseline there are none.
 */
int baseline_smbios(struct walk *w, bool keep_them, bool *ret_any, struct pcrcast_error *e);
