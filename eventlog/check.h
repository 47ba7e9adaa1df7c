/*
 * Is a log true? Each payload against its digest, the structure of the log, and the registers of a machine.
 */
#pragma once

#include "eventlog/eventlog.h"

enum match {
	MATCH_YES,
	MATCH_NO,
	MATCH_CANNOT_TELL, /* the digest covers something that is not in the log */
};

struct event_check {
	enum match match;
	bool suspicious;    /* NO where the specification demands YES and no firmware is known to differ */
	const char *reason; /* what the digest is of, or which known exception of which firmware applies */
};

/* One result per event. *ret is from pool, log->n_events long. */
int eventlog_check_payloads(struct pool *pool, const struct eventlog *log, struct event_check **ret,
			    struct pcrcast_error *e);

/* Findings about the structure (missing or doubled separators, events behind the last one, order …), into log->findings. */
int eventlog_check_structure(struct eventlog *log, struct pcrcast_error *e);

enum finding_weight {
	FINDING_ODD,   /* real firmware does such things */
	FINDING_OPEN,  /* whether the log is true cannot be told */
	FINDING_GRAVE, /* no machine logs so */
};

enum finding_weight finding_weight(const struct finding *f);

/* Values of registers as a machine or a reference states them. */
struct pcr_values {
	uint32_t known[ALG_COUNT]; /* bit i: value[alg][i] is stated */
	uint8_t value[ALG_COUNT][PCR_COUNT][DIGEST_MAX];
	bool cc; /* they are named as CC registers (mrtd, rtmr0 …): index is enum cc_register */
};

/* tpm2_pcrread text, or JSON { bank: { register: hex } }; PCRCAST_EFORMAT with the line when it is neither. */
int pcr_values_parse(struct slice text, struct pcr_values *ret, struct pcrcast_error *e);

enum register_state {
	REGISTER_AGREES,
	REGISTER_CONTINUES, /* the machine's value is the log's, extended with words that the system is known to measure later */
	REGISTER_DIFFERS,
	REGISTER_NO_EVENTS,  /* a value other than the reset value, but no event */
	REGISTER_NOT_STATED, /* the machine's value is not known */
	REGISTER_INCOMPLETE, /* an event has no digest in this bank: the log leads to no value */
};

const char *register_state_name(enum register_state state); /* "agrees", … */

struct register_check {
	enum register_state state;
	/* REGISTER_DIFFERS: the machine's value is the log's after so many of this register's events; -1: after none of them */
	int64_t consistent_events;
	size_t last_consistent; /* index of the last of those events; SIZE_MAX: none */
	const char *
		words; /* REGISTER_CONTINUES: "enter-initrd:leave-initrd:…", the first words_len bytes count */
	size_t words_len;
};

/* Registers with an event that has no digest in a bank: bit i is register i. The log leads to no value for them. */
uint32_t eventlog_incomplete(const struct eventlog *log, enum alg alg);

/* Compare the replay in one bank. */
int eventlog_check_registers(const struct eventlog *log, enum alg alg, const struct pcr_values *values,
			     struct register_check ret[static PCR_COUNT], struct pcrcast_error *e);

/*
 * Words that systemd's userspace is known to extend a PCR with after the firmware's log has ended (REGISTER_CONTINUES): do
 * they lead from one value of the register to the other? from_start: only from the first of a sequence on, else from any.
 * *ret_words is where in a sequence they begin, its first *ret_len bytes count; NULL: none lead there.
 */
int eventlog_words_between(enum alg alg, uint32_t pcr, const uint8_t *from, const uint8_t *to,
			   bool from_start, const char **ret_words, size_t *ret_len, struct pcrcast_error *e);
