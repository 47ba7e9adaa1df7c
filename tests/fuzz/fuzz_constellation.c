/* The bytes as the UKI of an image, predicted as Constellation's tool does. */
#include "tests/fuzz/one_core.h"

#include <stddef.h>
#include <stdint.h>

#include "predict/constellation.h"
#include "tests/fuzz/fuzz.h"

/* Nothing of a prediction is half done. */
static void check(const struct prediction *p)
{
	for (size_t i = 0; i < p->log.n_events; i++) {
		const struct event *ev = &p->log.events[i];

		CHECK(ev->description && ev->source && event_digest(ev, &p->log, ALG_SHA256).n == 32);
		CHECK(PREDICT_CONSTELLATION_PCRS >> ev->pcr & 1);
	}
	CHECK(p->incomplete == (0xffffff & ~(uint32_t)PREDICT_CONSTELLATION_PCRS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct image img = { .kind = IMAGE_FILE, .file = "\\a.efi" };
	struct predict_options opt = { 0 };
	struct pcrcast_error e = { .msg = "" };
	struct source *file;
	struct prediction p;

	stay_on_one_core();
	if (source_over_bytes(n ? (struct slice){ data, n } : SLICE_EMPTY, "a.efi", &file, &e) < 0 ||
	    tree_open_source(file, "a.efi", &img.esp, &e) < 0)
		return 0;
	if (predict_constellation(&img, &opt, &p, &e) == 0)
		check(&p);
	else
		CHECK(e.msg[0] != '\0');
	prediction_done(&p);
	tree_free(img.esp);
	return 0;
}
