/*
 * pcrcast: predict, read and compare the measurements of a measured boot.
 *
 * A map of the source tree:
 *   base/      bytes, errors, digests, inputs as ranges, hash jobs, JSON
 *   eventlog/  the event log: model, readers, writers, decoders, replay, check, comparison
 *   uki/       PE/COFF, Authenticode, UKI sections and profiles, stub versions, kernels, signatures
 *   predict/   disk images and file systems; the boot as stages: firmware, systemd-boot, stub, kernel
 *   golden/    reference values: model, formats, quotes, policies, signatures, comparison
 *   cli/       this: one file a verb
 */
#include "cli/cli.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

struct verb {
	const char *name, *arguments, *purpose;
	int (*run)(int argc, char **argv);
};

static const struct verb verbs[] = {
	{ "predict", "IMAGE", "what the PCRs will be", cmd_predict },
	{ "eventlog", "VERB LOG", "read, replay, check, compare and convert event logs", cmd_eventlog },
	{ "uki", "show|hash|measure|extract FILE", "look into a Unified Kernel Image", cmd_uki },
	{ "golden", "VERB FILE", "reference values: make, read, compare, verify, sign", cmd_golden },
};

static void help(void)
{
	puts("usage: pcrcast VERB [OPTION…] [ARGUMENT…]\n");
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		printf("  %-8s %-32s %s\n", verbs[i].name, verbs[i].arguments, verbs[i].purpose);
	puts("\n  --help, --version\n\n\"pcrcast VERB --help\" lists the options of a verb. Exit status: 0 done or same, 1 different, 2 trouble.");
}

/* Every file of an ESP directory that counts stays open until the end, and there may be more than the usual 1024. */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	allow_many_files();
	(void)signal(SIGXFSZ,
		     SIG_IGN); /* a file grown too large is an error like a full disk, and cleaned up after */
	if (argc < 2)
		return usage_error("a verb is missing");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help();
		return finish(EXIT_DONE);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("pcrcast " PCRCAST_VERSION);
		return finish(EXIT_DONE);
	}
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return finish(verbs[i].run(argc - 1, argv + 1));
	return usage_error("unknown verb \"%s\"", argv[1]);
}
