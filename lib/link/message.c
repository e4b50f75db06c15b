// SPDX-License-Identifier: BSD-3-Clause

#include "lib/link/message.h"

#include <stddef.h>
#include <string.h>

static const struct {
	uint8_t direction;
	uint8_t n_payload_bytes;
} rules[LINK_N] = {
#define LINK_MESSAGE(name, to, payload) \
	[LINK_##name] = {LINK_##to, sizeof(((struct link_message *)NULL)->payload)},
#include "lib/link/message.def"
#undef LINK_MESSAGE
};

const char *link_message_check(
	const struct link_message *m, enum link_direction direction, uint32_t epoch)
{
	static const uint8_t zero[sizeof(m->bytes)];
	size_t used;

	if (m->type == LINK_NONE || m->type >= LINK_N)
		return "unknown type";
	if (m->zero != 0)
		return "nonzero padding";
	if (m->epoch != epoch)
		return "another attachment's epoch";
	if (rules[m->type].direction != direction)
		return "wrong direction";
	used = rules[m->type].n_payload_bytes;
	if (memcmp(m->bytes + used, zero, sizeof(zero) - used) != 0)
		return "nonzero bytes after the payload";
	return NULL;
}
