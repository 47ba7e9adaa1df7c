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
	BASELINE_BETWEEN, /* behind the loading of the first EFI file, in front of what that measures */
	BASELINE_SMBIOS,  /* SMBIOS structures, as systemd's loader and stub measure them */
	BASELINE_AFTER,   /* behind everything: the firmware's words about ExitBootServices() */
	BASELINE_UNSURE,  /* whose it is cannot be told: its register has no value */
};

/* Where CC registers got the separators that PCR 0 to 6 get: bits. */
enum {
	BASELINE_IN_RTMR0 = 1 << 0,
	BASELINE_IN_RTMR1 = 1 << 1,
};

struct baseline {
	const struct eventlog *log;
	const char *name;              /* of the log, for texts */
	struct baseline_event *events; /* one for each of the log */
	enum baseline_place *places;   /* the same */
	size_t attempt; /* index of the PCR 4 event (separator or action) behind which the last boot attempt begins */
	size_t load;         /* from this index on, events may be about the loading of the first EFI file */
	size_t first;        /* index of the event that loaded it */
	bool direct;         /* QEMU handed that file over (-kernel): first < attempt < ready */
	size_t ready;        /* direct: index of the first event behind the separators that follow attempt */
	unsigned n_failed;   /* attempts before it, by the actions in PCR 4 */
	bool table_seen;     /* there is a BASELINE_TABLE event */
	bool left_again;     /* the first EFI file came back to the firmware */
	bool exits;          /* there are events about ExitBootServices() */
	bool kernel_speaks;  /* Linux' EFI stub has measured to the register of PCR 9 */
	bool initrd_seen;    /* and an initrd there */
	unsigned separators; /* BASELINE_IN_ bits; of a log of CC registers */
};

/*
 * Logs of CC registers (EVENTLOG_CC) have register numbers in the place of PCRs. Is this the register that PCR pcr
 * goes to? And a PCR that goes to the register of an event: the number itself in other logs; PCR_COUNT or more when
 * there is none.
 */
bool baseline_of_pcr(const struct eventlog *log, const struct event *ev, uint32_t pcr);
uint32_t baseline_pcr(const struct eventlog *log, const struct event *ev);

/*
 * Sort the events of a log. PCRCAST_EUNSUPPORTED or PCRCAST_EFORMAT: it is no log of a firmware that started an EFI file.
 * ret borrows from log; its arrays come from pool.
 */
int baseline_sort(struct pool *pool, const struct eventlog *log, const char *name, struct baseline *ret,
		  struct pcrcast_error *e);

/* A variable in a log's events of PCR 7 about the Secure Boot configuration: the last one of that name; false: none. */
bool baseline_variable(struct pool *pool, const struct eventlog *log, const char *name,
		       struct efi_variable *ret);

/* Is this one of systemd's events about SMBIOS structures, in the form of PCRs or of CC registers? */
bool smbios_event_known(const struct event *ev);

struct walk;
struct start;

/*
 * Parts of baseline_open(). Is the log of the registers that are predicted, PCRs or CC registers
 * (PCRCAST_EUNSUPPORTED: not)? What does it tell of a guest with CC registers, against what the options say
 * (PCRCAST_EINVAL)?
 */
int baseline_check_kind(struct walk *w, enum eventlog_kind kind, struct pcrcast_error *e);
int baseline_check_registers(struct walk *w, const struct baseline *b, struct pcrcast_error *e);

/* Sort the log that the options name into w->baseline, and check that it fits what is asked. Before the first stage. */
int baseline_open(struct walk *w, struct pcrcast_error *e);

/*
 * What the firmware measured before it loaded the first EFI file, all but the table; the table; what it measured
 * before it started that file, when QEMU hands it over, and the initrd that this is handed with it; and the end.
 */
int baseline_before(struct walk *w, struct pcrcast_error *e);
int baseline_table(struct walk *w, struct pcrcast_error *e);
int baseline_between(struct walk *w, struct start *first, struct pcrcast_error *e);
int baseline_after(struct walk *w, struct pcrcast_error *e);
/*
 * The SMBIOS structures that the baseline's chain measured: are there any? keep_them: they are events of this boot as well. Without
 * a baseline there are none.
 */
int baseline_smbios(struct walk *w, bool keep_them, bool *ret_any, struct pcrcast_error *e);
