// SPDX-License-Identifier: BSD-3-Clause

#include "lib/record/secrets.h"

#include "lib/record/suite.h"

#include <stdbool.h>
#include <string.h>

// Records that a handshake may have sent or received under the keys that it hands over: a Finished,
// some tickets.
#define SEQUENCE_MAX 0xffff

static bool all_zero(const uint8_t *bytes, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= bytes[i];
	return any == 0;
}

static bool unused_is_zero(const struct record_secret *s, size_t traffic, size_t key, size_t iv)
{
	return all_zero(s->traffic + traffic, RECORD_SECRET_BYTES - traffic) &&
		all_zero(s->key + key, RECORD_KEY_BYTES - key) &&
		all_zero(s->iv + iv, RECORD_IV_BYTES - iv) && all_zero(s->zero, sizeof(s->zero));
}

static const char *check_one(
	const struct record_secret *s, enum record_version version, enum record_suite suite)
{
	size_t n_traffic = 0, n_key = 0, n_iv = 0;

	if (version == RECORD_TLS13) {
		n_traffic = record_hash_bytes(suite);
	} else {
		n_key = record_key_bytes(suite);
		n_iv = record_fixed_iv_bytes(suite);
	}
	if (!unused_is_zero(s, n_traffic, n_key, n_iv))
		return "bytes that its suite does not use are not zero";
	if (all_zero(s->traffic, n_traffic) && all_zero(s->key, n_key))
		return "no secret";
	if (s->sequence > SEQUENCE_MAX)
		return "sequence number beyond that of a handshake";
	return NULL;
}

const char *record_secrets_check(const struct record_secrets *s)
{
	enum record_version version = (enum record_version)s->version;
	enum record_suite suite = (enum record_suite)s->suite;
	const char *wrong;

	if (version <= RECORD_VERSION_NONE || version >= RECORD_VERSION_N)
		return "unknown version";
	if (suite <= RECORD_SUITE_NONE || suite >= RECORD_SUITE_N)
		return "unknown suite";
	if (!all_zero(s->zero, sizeof(s->zero)))
		return "reserved bytes are not zero";
	if (s->explicit_nonce != 0 && !record_has_explicit_nonce(version, suite))
		return "an explicit nonce where there is none";
	wrong = check_one(&s->receive, version, suite);
	if (wrong == NULL)
		wrong = check_one(&s->send, version, suite);
	// One key in both directions would use each nonce twice.
	if (wrong == NULL &&
		memcmp(s->receive.traffic, s->send.traffic, RECORD_SECRET_BYTES) == 0 &&
		memcmp(s->receive.key, s->send.key, RECORD_KEY_BYTES) == 0)
		wrong = "the same secret both ways";
	return wrong;
}

void record_secrets_wipe(struct record_secrets *s)
{
	explicit_bzero(s, sizeof(*s));
}
