/*
 * systemd's components of a boot (systemd.pcrlock(5), systemd 255 to 262) and what systemd-pcrlock predicts from them.
 */
#pragma once

#include "golden/format.h"

enum {
	/* a hundred times what systemd ships and makes; bounds the search for a component of the same name, and recursion */
	PCRLOCK_MAX_COMPONENTS = 1024,
	PCRLOCK_MAX_VARIANTS = 1024,
	/* values of a register: a TPM's PolicyOR, for which systemd makes them, takes eight */
	PCRLOCK_MAX_VALUES = 1024,
	/* steps of all walks through the variants: about a second of work */
	PCRLOCK_MAX_STEPS = 1 << 18,
};

/* systemd-pcrlock's default --location: from behind the initrd's start to before the shutdown. */
#define PCRLOCK_LOCATION_START "760-"
#define PCRLOCK_LOCATION_END "940-"

struct pcrlock_variant {
	const char *id;      /* file name without .pcrlock; of a fixed component, the component's */
	struct eventlog log; /* borrows from nothing */
};

struct pcrlock_component {
	const char *id; /* file name without .pcrlock or .pcrlock.d */
	struct pcrlock_variant *variants;
	size_t n, cap; /* variants, at least one */
};

/* Components in the order in which they are measured. */
struct pcrlock {
	struct pool pool;
	struct pcrlock_component *components;
	size_t n, cap;
};

#define PCRLOCK_INIT ((struct pcrlock){ .pool = POOL_INIT })

void pcrlock_done(struct pcrlock *p);

/* Is the name that of a component file, as it stands in a directory of components? */
bool pcrlock_is_component(const char *name);

/*
 * The events of a component file. name is for notes and messages. *ret is to be done with eventlog_done whatever is
 * returned. A file without "records" is a component without events.
 */
int pcrlock_read_file(const struct cJSON *json, const char *name, struct golden *g, struct eventlog *ret,
		      struct pcrcast_error *e);

/*
 * The components of a directory. ret is to be done with pcrlock_done whatever is returned. Files that are no components
 * are noted in g. systemd ignores a file that is no JSON object; here it is an error.
 */
int pcrlock_load(const struct golden_file *files, size_t n, struct golden *g, struct pcrlock *ret,
		 struct pcrcast_error *e);

/*
 * The values that registers may have within the default location, as "systemd-pcrlock predict" finds them on a machine
 * whose log has nothing but these components; values are in its order. pcrs NULL: the registers that a component
 * touches; a register that none touches has its reset value. Labels name the variants where there is a choice, and where
 * in the boot a value holds when it changes within the location.
 */
int pcrlock_predict(const struct pcrlock *p, const uint32_t *pcrs, struct golden *g, struct golden_set *s,
		    struct pcrcast_error *e);
