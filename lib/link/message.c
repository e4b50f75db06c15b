// SPDX-License-Identifier: BSD-3-Clause

#include "lib/link/message.h"

#include "lib/link/payload.h"

static const struct rule {
	uint8_t direction;
	uint16_t n_tail_max;
} rules[LINK_N] = {
#define LINK_MESSAGE(name, to, payload, n_tail) [LINK_##name] = {LINK_##to, n_tail},
#include "lib/link/message.def"
#undef LINK_MESSAGE
};

static bool has_name(const struct link_message *m)
{
	return m->type == LINK_TARGET_WANTED || m->type == LINK_TARGET_TRY;
}

// What its payload says of its tail.
static uint16_t count_of(const struct link_message *m)
{
	if (has_name(m))
		return m->target_wanted.name_len;
	return m->type == LINK_SESSION_BYTES ? m->session_bytes.n : m->session_send.n;
}

static void set_count(struct link_message *m, uint16_t n)
{
	if (has_name(m))
		m->target_wanted.name_len = (uint8_t)n;
	else if (m->type == LINK_SESSION_BYTES)
		m->session_bytes.n = n;
	else
		m->session_send.n = n;
}

bool link_message_append(struct link_message *m, const void *bytes, size_t n_bytes)
{
	uint16_t n;

	if (m->type >= LINK_N || rules[m->type].n_tail_max == 0)
		return false;
	n = count_of(m);
	if (n_bytes > (size_t)(rules[m->type].n_tail_max - n))
		return false;
	if (n_bytes > 0)
		memcpy((uint8_t *)m + m->n_bytes, bytes, n_bytes);
	set_count(m, (uint16_t)(n + n_bytes));
	m->n_bytes = (uint16_t)(m->n_bytes + n_bytes);
	return true;
}

void link_message_wipe(struct link_message *m)
{
	if (m->type == LINK_SESSION_ESTABLISHED)
		record_secrets_wipe(&m->session_established.secrets);
}

// The fixed part is all there before its count is looked at.
static bool size_is_right(const struct link_message *m)
{
	const uint16_t fixed = link_bytes_of((enum link_type)m->type);

	if (rules[m->type].n_tail_max == 0)
		return m->n_bytes == fixed;
	return m->n_bytes >= fixed && count_of(m) <= rules[m->type].n_tail_max &&
		m->n_bytes == fixed + count_of(m);
}

const char *link_message_check(
	const struct link_message *m, enum link_direction direction, uint32_t epoch)
{
	if (m->type == LINK_NONE || m->type >= LINK_N)
		return "unknown type";
	if (m->epoch != epoch)
		return "another attachment's epoch";
	if (rules[m->type].direction != direction)
		return "wrong direction";
	if (!size_is_right(m))
		return "wrong size for its type";
	return link_payload_check(m);
}
