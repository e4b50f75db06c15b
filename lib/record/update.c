// SPDX-License-Identifier: BSD-3-Clause
// A KeyUpdate by our own will; those that are due come with seal.c, answers with digest.c.

#include "lib/record/inner.h"

size_t record_update(struct record_session *s, struct record_crypto *c, enum record_update which,
	uint8_t out[RECORD_ANSWER_BYTES])
{
	bool asks = which == RECORD_UPDATE_BOTH && !s->asked;
	size_t n;

	if (s->version != RECORD_TLS13 || !record_state_sends((enum record_state)s->state))
		return 0;
	n = record_seal_key_update(s, c, asks, out);
	s->asked = s->asked || (asks && n > 0);
	return n;
}
