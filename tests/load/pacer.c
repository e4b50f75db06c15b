// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/pacer.h"

#define FRACTION_BITS 20

void pacer_start(struct pacer *p, double rate, uint64_t start_ns)
{
	*p = (struct pacer){.start_ns = start_ns, .n_max = UINT64_MAX};
	if (rate > 0)
		p->interval = (uint64_t)(1e9 / rate * (1 << FRACTION_BITS) + 0.5);
}

bool pacer_peek(const struct pacer *p, uint64_t now_ns, uint64_t *due_ns)
{
	if (p->interval == 0 || p->n_taken >= p->n_max)
		return false;
	*due_ns = p->start_ns +
		(uint64_t)((unsigned __int128)p->n_taken * p->interval >> FRACTION_BITS);
	return *due_ns <= now_ns;
}

void pacer_take(struct pacer *p)
{
	p->n_taken++;
}

uint64_t pacer_end(struct pacer *p, uint64_t end_ns)
{
	unsigned __int128 elapsed = 0;

	if (end_ns > p->start_ns)
		elapsed = (unsigned __int128)(end_ns - p->start_ns) << FRACTION_BITS;
	p->n_max = p->interval != 0 ? (uint64_t)((elapsed + p->interval - 1) / p->interval) : 0;
	return p->n_max;
}
