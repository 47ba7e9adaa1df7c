#include "golden/evidence.h"

void evidence_done(struct evidence *ev)
{
	pool_done(&ev->pool);
}
