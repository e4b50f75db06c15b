// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/search.h"

void search_init(struct search *s, double first, double precision)
{
	*s = (struct search){.first = first, .precision = precision};
}

double search_next(const struct search *s)
{
	if (s->n_trials >= SEARCH_TRIALS_MAX)
		return 0;
	if (s->n_trials == 0)
		return s->first;
	if (s->failed == 0)
		return s->passed * 2;
	if (s->passed == 0)
		return s->failed >= 2 ? s->failed / 2 : 0;
	if (s->failed - s->passed <= s->precision * s->failed)
		return 0;
	return (s->passed + s->failed) / 2;
}

void search_tell(struct search *s, double rate, bool passed)
{
	s->n_trials++;
	if (passed && rate > s->passed)
		s->passed = rate;
	if (!passed && (s->failed == 0 || rate < s->failed))
		s->failed = rate;
}

double search_found(const struct search *s)
{
	return s->passed;
}
