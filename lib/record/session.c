// SPDX-License-Identifier: BSD-3-Clause

#include "lib/record/record.h"

#include "lib/record/provider.h"
#include "lib/record/schedule.h"

#include <errno.h>
#include <string.h>

static bool begin_direction(const struct record_session *s, struct record_crypto *c,
	const struct record_secret *secret, uint8_t traffic[RECORD_SECRET_BYTES],
	struct record_keys *keys)
{
	if (s->version == RECORD_TLS12) {
		keys->key_id = ++c->last_key_id;
		memcpy(keys->key, secret->key, sizeof(keys->key));
		memcpy(keys->iv, secret->iv, sizeof(keys->iv));
	} else {
		memcpy(traffic, secret->traffic, RECORD_SECRET_BYTES);
		if (!record_keys_derive(c, (enum record_suite)s->suite, traffic, keys))
			return false;
	}
	keys->sequence = secret->sequence;
	return true;
}

int record_session_begin(struct record_session *s, struct record_crypto *c,
	const struct record_secrets *secrets, enum record_role role)
{
	memset(s, 0, sizeof(*s));
	if (record_secrets_check(secrets) != NULL)
		return -EINVAL;
	s->version = secrets->version;
	s->suite = secrets->suite;
	s->role = (uint8_t)role;
	s->state = RECORD_STATE_OPEN;
	s->explicit_nonce = secrets->explicit_nonce;
	if (begin_direction(s, c, &secrets->receive, s->receive_traffic, &s->receive) &&
		begin_direction(s, c, &secrets->send, s->send_traffic, &s->send))
		return 0;
	record_session_end(s, c);
	return -EIO;
}

void record_session_end(struct record_session *s, struct record_crypto *c)
{
	if (s->version != RECORD_VERSION_NONE) {
		c->forget(c, s->receive.key_id);
		c->forget(c, s->send.key_id);
	}
	explicit_bzero(s, sizeof(*s));
}

enum record_wear record_wear(const struct record_session *s, const struct record_crypto *c)
{
	uint64_t n = s->send.sequence;

	if (n < s->receive.sequence)
		n = s->receive.sequence;
	if (s->version != RECORD_TLS12 || n < c->key_records)
		return RECORD_FRESH;
	return n < c->key_records + c->key_records / 2 ? RECORD_WORN : RECORD_SPENT;
}
