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

static const char *check_target(const struct link_target *t)
{
	static const uint8_t zero[sizeof(t->zero)];

	if (!endpoint_is_valid(&t->remote) || t->remote.transport != TRANSPORT_TCP)
		return "a target that is no TCP endpoint";
	if (t->listener >= LINK_TARGET_LISTENERS)
		return "a target's listener out of range";
	if (t->slot >= LINK_TARGET_SLOTS)
		return "a target's slot out of range";
	return memcmp(t->zero, zero, sizeof(zero)) == 0 ? NULL : "nonzero padding of a target";
}

static const char *check_target_state(const struct link_message *m)
{
	const char *error = check_target(&m->target_state.target);

	if (error != NULL)
		return error;
	if (m->target_state.state >= LINK_TARGET_STATE_N)
		return "unknown state of a target";
	if (m->target_state.zero != 0)
		return "nonzero padding of a target's state";
	if (m->target_state.reason >= REASON_N)
		return "unknown reason of a target's state";
	return NULL;
}

static const char *check_target_refused(const struct link_message *m)
{
	const char *error = check_target(&m->target_refused.target);

	if (error != NULL)
		return error;
	if (m->target_refused.retry_ms == 0 ||
		m->target_refused.retry_ms > LINK_TARGET_RETRY_MS_MAX)
		return "a target's back-off out of range";
	return m->target_refused.zero == 0 ? NULL : "nonzero padding of a target's refusal";
}

// What the payload itself must hold to.
static const char *check_payload(const struct link_message *m)
{
	switch ((enum link_type)m->type) {
	case LINK_TARGET_WANTED:
		return check_target(&m->target_wanted.target);
	case LINK_TARGET_STATE:
		return check_target_state(m);
	case LINK_TARGET_OPEN:
		return check_target(&m->target_open.target);
	case LINK_TARGET_REFUSED:
		return check_target_refused(m);
	case LINK_NONE:
	case LINK_PING:
	case LINK_PONG:
	case LINK_APPLIED:
	case LINK_N:
		break;
	}
	return NULL;
}

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
	return check_payload(m);
}
