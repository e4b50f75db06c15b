// SPDX-License-Identifier: BSD-3-Clause
// One message as it came out of a ring: the first byte says at which end, the rest is it.

#include "lib/link/message.h"

#include <stdlib.h>
#include <string.h>

#define EPOCH 1

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_target(const struct link_target *t)
{
	if (t->remote.ip.family != IP_NAMED) {
		require(t->remote.ip.family == IP_V4 || t->remote.ip.family == IP_V6);
		require(t->remote.port != 0);
	}
	require(t->remote.transport == TRANSPORT_TCP || t->remote.transport == TRANSPORT_TLS);
	require(t->listener < LINK_TARGET_LISTENERS && t->slot < LINK_TARGET_SLOTS);
}

static void require_remote(const struct endpoint *remote, uint16_t listener)
{
	require(endpoint_is_valid(remote) && remote->transport == TRANSPORT_TLS);
	require(listener < LINK_TARGET_LISTENERS);
}

static void require_card(const struct card *c)
{
	require(c->n_names <= CARD_NAMES_MAX && c->text_bytes <= CARD_TEXT_BYTES);
	require(c->subject.offset + c->subject.len <= c->text_bytes);
	require(c->issuer.offset + c->issuer.len <= c->text_bytes);
	require(c->serial.offset + c->serial.len <= c->text_bytes);
	for (unsigned i = 0; i < c->n_names; i++) {
		require(c->names[i].offset + c->names[i].len <= c->text_bytes);
		require(c->names[i].len > 0 && card_names(c, card_view(c, c->names[i])));
	}
}

static void require_target_message(const struct link_message *m)
{
	require_target(&m->target_wanted.target);
	if (m->type == LINK_TARGET_WANTED || m->type == LINK_TARGET_TRY)
		require(m->n_bytes == LINK_BYTES_TARGET_WANTED + m->target_wanted.name_len);
	if (m->type == LINK_TARGET_STATE)
		require(m->target_state.state < LINK_TARGET_STATE_N &&
			m->target_state.reason < REASON_N);
	if (m->type == LINK_TARGET_OPEN)
		require(endpoint_is_valid(&m->target_open.address));
	if (m->type == LINK_TARGET_REFUSED)
		require(m->target_refused.retry_ms >= 1 &&
			m->target_refused.retry_ms <= LINK_TARGET_RETRY_MS_MAX);
}

static void require_session_message(const struct link_message *m)
{
	// They all begin with it.
	require(m->session_opened.conn != 0);
	if (m->type == LINK_SESSION_OPENED)
		require_remote(&m->session_opened.remote, m->session_opened.listener);
	if (m->type == LINK_SESSION_IS)
		require_remote(&m->session_is.remote, m->session_is.listener);
	if (m->type == LINK_SESSION_BYTES)
		require(m->session_bytes.n >= 1 && m->session_bytes.n <= LINK_BYTES_MAX &&
			m->n_bytes == LINK_BYTES_SESSION_BYTES + m->session_bytes.n);
	if (m->type == LINK_SESSION_SEND)
		require(m->session_send.n >= 1 && m->session_send.n <= LINK_BYTES_MAX &&
			m->n_bytes == LINK_BYTES_SESSION_SEND + m->session_send.n);
	if (m->type == LINK_SESSION_ENDED)
		require(m->session_ended.reason < REASON_N);
	if (m->type == LINK_SESSION_CLOSE)
		require(m->session_close.reason < REASON_N && m->session_close.abort <= 1);
	if (m->type == LINK_SESSION_ESTABLISHED)
		require(record_secrets_check(&m->session_established.secrets) == NULL);
}

// What a receiver relies on in a message that passed.
static void require_honest(const struct link_message *m)
{
	require(m->epoch == EPOCH);
	if (m->type >= LINK_TARGET_WANTED && m->type <= LINK_TARGET_TRY)
		require_target_message(m);
	if ((m->type >= LINK_SESSION_OPENED && m->type <= LINK_SESSION_CLOSE) ||
		m->type == LINK_SESSION_IS)
		require_session_message(m);
	if (m->type == LINK_CARD || m->type == LINK_CARD_ADD)
		require_card(&m->card.is);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link_message *m;
	uint8_t *bytes;

	if (size < 1 + LINK_HEADER_BYTES || size > 1 + LINK_SLOT_BYTES)
		return 0;
	// As it is in memory, whole; what did not come is what lay there before.
	m = malloc(sizeof(*m));
	require(m != NULL);
	bytes = (uint8_t *)m;
	memset(bytes, 0xee, sizeof(*m));
	memcpy(bytes, data + 1, size - 1);
	// What link_pop() sees to.
	m->n_bytes = (uint16_t)(size - 1);
	m->epoch = EPOCH;
	if (link_message_check(m, data[0] & 1 ? LINK_TO_CONTROL : LINK_TO_WORKER, EPOCH) == NULL)
		require_honest(m);
	free(m);
	return 0;
}
