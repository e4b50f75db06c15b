// SPDX-License-Identifier: BSD-3-Clause
// Values within an indexed message, for the sources of lib/sip only.

#pragma once

#include <errno.h>

#include "lib/sip/lex.h"
#include "lib/sip/value.h"

// The value of a field that may stand once.
LEX_INLINE int sip_single_span(
	const struct sip_message *m, enum sip_header_id id, struct sip_span *out)
{
	const struct sip_header *h = sip_header_first(m, id);

	if (h == NULL)
		return -ENOENT;
	if (h->next != 0)
		return -EINVAL;
	*out = h->value;
	return 0;
}

// The next value and all behind it in its field, without white space before it. There is one.
LEX_INLINE struct view sip_values_rest(struct sip_values *it)
{
	unsigned end = it->h->value.at + it->h->value.len;

	while (it->at < end && lex_is_space(it->m->bytes.at[it->at]))
		it->at++;
	return view_of(it->m->bytes.at + it->at, end - it->at);
}

// A value was read up to that offset of sip_values_rest(): its end or a comma. 1, or -EINVAL where
// it is empty.
LEX_INLINE int sip_values_took(struct sip_values *it, size_t end, struct sip_value *out)
{
	const struct sip_header *h = it->h;
	const uint8_t *from = it->m->bytes.at + it->at;
	size_t len = end;

	while (len > 0 && lex_is_space(from[len - 1]))
		len--;
	out->h = h;
	out->span = (struct sip_span){(uint16_t)it->at, (uint16_t)len};
	if (it->at + end < (size_t)h->value.at + h->value.len) {
		it->at += (uint32_t)end + 1;
	} else {
		it->h = sip_header_next(it->m, h);
		it->at = it->h != NULL ? it->h->value.at : 0;
	}
	return len > 0 ? 1 : -EINVAL;
}
