// SPDX-License-Identifier: BSD-3-Clause

#include "lib/link/payload.h"

#include "lib/policy/domain.h"

static bool all_zero(const void *bytes, size_t n_bytes)
{
	static const uint8_t zero[sizeof(struct link_target)];

	return memcmp(bytes, zero, n_bytes) == 0;
}

static const char *check_target(const struct link_target *t)
{
	if (!endpoint_is_hop(&t->remote))
		return "a target that is no hop";
	if (!transport_is_stream((enum transport)t->remote.transport))
		return "a target without a stream";
	if (t->listener >= LINK_TARGET_LISTENERS)
		return "a target's listener out of range";
	if (t->slot >= LINK_TARGET_SLOTS)
		return "a target's slot out of range";
	if (t->certificate != 0 && t->remote.transport != TRANSPORT_TLS)
		return "a certificate without TLS";
	return t->zero == 0 ? NULL : "nonzero padding of a target";
}

static const char *check_target_wanted(const struct link_target_wanted *p)
{
	const char *error = check_target(&p->target);
	struct view name = view_of(p->name, p->name_len);
	struct domain domain;

	if (error != NULL || name.len == 0)
		return error;
	if (p->target.remote.ip.family != IP_NAMED)
		return "an address with a name";
	if (domain_canonical(name, &domain) < 0 ||
		!view_equal(name, view_of(domain.text, domain.len)))
		return "a target's name is no canonical domain";
	return NULL;
}

static const char *check_target_state(const struct link_target_told *p)
{
	const char *error = check_target(&p->target);

	if (error != NULL)
		return error;
	if (p->state >= LINK_TARGET_STATE_N)
		return "unknown state of a target";
	if (p->zero != 0)
		return "nonzero padding of a target's state";
	if (p->reason >= REASON_N)
		return "unknown reason of a target's state";
	return NULL;
}

static const char *check_target_open(const struct link_target_open *p)
{
	const char *error = check_target(&p->target);

	if (error != NULL)
		return error;
	if (!endpoint_is_valid(&p->address))
		return "a target's address is none";
	if (p->address.transport != p->target.remote.transport)
		return "a target's address of another transport";
	if (p->target.remote.ip.family != IP_NAMED &&
		!endpoint_equal(&p->address, &p->target.remote))
		return "a target's address is another one";
	return NULL;
}

static const char *check_target_refused(const struct link_target_refused *p)
{
	const char *error = check_target(&p->target);

	if (error != NULL)
		return error;
	if (p->retry_ms == 0 || p->retry_ms > LINK_TARGET_RETRY_MS_MAX)
		return "a target's back-off out of range";
	return p->zero == 0 ? NULL : "nonzero padding of a target's refusal";
}

// Who is at the other end, and on whose wish.
static const char *check_ends(const struct endpoint *remote, uint16_t listener, uint8_t role,
	const struct link_target *target)
{
	if (!endpoint_is_valid(remote) || remote->transport != TRANSPORT_TLS)
		return "a session's remote is no TLS endpoint";
	if (listener >= LINK_TARGET_LISTENERS)
		return "a session's listener out of range";
	if (role != RECORD_ACCEPTED && role != RECORD_OPENED)
		return "unknown role of a session";
	if (role == RECORD_ACCEPTED)
		return all_zero(target, sizeof(*target)) ? NULL : "an accepted session's target";
	if (target->remote.transport != TRANSPORT_TLS)
		return "a session's target without TLS";
	return check_target(target);
}

static const char *check_session_opened(const struct link_session_opened *p)
{
	if (p->conn == 0)
		return "no session";
	if (!all_zero(p->zero, sizeof(p->zero)))
		return "nonzero padding of a session's opening";
	return check_ends(&p->remote, p->listener, p->role, &p->target);
}

static const char *check_session_bytes(const struct link_session_bytes *p)
{
	if (p->conn == 0)
		return "no session";
	if (p->n == 0)
		return "no bytes of a session";
	return p->last <= 1 && p->zero == 0 ? NULL : "not a flag of a session's bytes";
}

static const char *check_session_ended(const struct link_session_ended *p)
{
	if (p->conn == 0)
		return "no session";
	if (p->reason >= REASON_N)
		return "unknown reason of a session's end";
	if (p->was_established > 1 || !all_zero(p->zero, sizeof(p->zero)))
		return "not a flag of a session's end";
	return NULL;
}

static const char *check_session_send(const struct link_session_send *p)
{
	if (p->conn == 0)
		return "no session";
	if (p->n == 0)
		return "no bytes for a session";
	return all_zero(p->zero, sizeof(p->zero)) ? NULL : "nonzero padding of bytes to send";
}

static const char *check_session_consumed(const struct link_session_consumed *p)
{
	if (p->conn == 0)
		return "no session";
	return p->zero == 0 ? NULL : "nonzero padding of consumption";
}

static const char *check_session_established(const struct link_session_established *p)
{
	if (p->conn == 0)
		return "no session";
	if (p->zero != 0)
		return "nonzero padding of an established session";
	return record_secrets_check(&p->secrets);
}

static const char *check_session_close(const struct link_session_close *p)
{
	if (p->conn == 0)
		return "no session";
	if (p->reason >= REASON_N)
		return "unknown reason to close a session";
	if (p->abort > 1 || !all_zero(p->zero, sizeof(p->zero)))
		return "not a flag of closing";
	return NULL;
}

static const char *check_session_is(const struct link_session_is *p)
{
	if (p->conn == 0)
		return "no session";
	if (p->state >= LINK_SESSION_STATE_N)
		return "unknown state of a session";
	if (p->version == RECORD_VERSION_NONE || p->version >= RECORD_VERSION_N)
		return "unknown version of a session";
	if (p->suite == RECORD_SUITE_NONE || p->suite >= RECORD_SUITE_N)
		return "unknown suite of a session";
	if (!all_zero(p->zero, sizeof(p->zero)))
		return "nonzero padding of a session";
	return check_ends(&p->remote, p->listener, p->role, &p->target);
}

static const char *check_card(const struct link_card *p)
{
	if (p->card == 0)
		return "a card without a name";
	if (!all_zero(p->zero, sizeof(p->zero)))
		return "nonzero padding of a card";
	return card_check(&p->is);
}

static const char *check_session(const struct link_message *m)
{
	switch (m->type) {
	case LINK_SESSION_OPENED:
		return check_session_opened(&m->session_opened);
	case LINK_SESSION_BYTES:
		return check_session_bytes(&m->session_bytes);
	case LINK_SESSION_ENDED:
		return check_session_ended(&m->session_ended);
	case LINK_SESSION_SEND:
		return check_session_send(&m->session_send);
	case LINK_SESSION_CONSUMED:
		return check_session_consumed(&m->session_consumed);
	case LINK_SESSION_ESTABLISHED:
		return check_session_established(&m->session_established);
	case LINK_SESSION_CLOSE:
		return check_session_close(&m->session_close);
	default:
		return check_session_is(&m->session_is);
	}
}

const char *link_payload_check(const struct link_message *m)
{
	switch ((enum link_type)m->type) {
	case LINK_TARGET_WANTED:
	case LINK_TARGET_TRY:
		return check_target_wanted(&m->target_wanted);
	case LINK_TARGET_STATE:
		return check_target_state(&m->target_state);
	case LINK_TARGET_OPEN:
		return check_target_open(&m->target_open);
	case LINK_TARGET_REFUSED:
		return check_target_refused(&m->target_refused);
	case LINK_SESSION_OPENED:
	case LINK_SESSION_BYTES:
	case LINK_SESSION_ENDED:
	case LINK_SESSION_SEND:
	case LINK_SESSION_CONSUMED:
	case LINK_SESSION_ESTABLISHED:
	case LINK_SESSION_CLOSE:
	case LINK_SESSION_IS:
		return check_session(m);
	case LINK_SESSIONS_WANTED:
		return m->sessions_wanted.zero == 0 ? NULL : "nonzero padding of a listing";
	case LINK_SESSIONS_END:
		if (m->sessions_end.more > 1 ||
			!all_zero(m->sessions_end.zero, sizeof(m->sessions_end.zero)))
			return "not a flag of a listing's end";
		return NULL;
	case LINK_CARD_ADD:
	case LINK_CARD:
		return check_card(&m->card);
	case LINK_CARD_WANTED:
		return m->card_wanted.card != 0 ? NULL : "a card without a name";
	case LINK_NONE:
	case LINK_PING:
	case LINK_PONG:
	case LINK_APPLIED:
	case LINK_N:
		break;
	}
	return NULL;
}
