// SPDX-License-Identifier: BSD-3-Clause
// Both ends of a session, for tests: what one seals the other opens.

#pragma once

#include "lib/record/record.h"

#define PAIR_ROOM (8 * RECORD_BYTES_MAX)

// Every version with every suite.
struct pair_kind {
	enum record_version version;
	enum record_suite suite;
};
#define PAIR_KINDS 6
extern const struct pair_kind pair_kinds[PAIR_KINDS];

struct pair {
	struct record_crypto *client_crypto, *server_crypto;
	struct record_session client, server;
	uint8_t sealed[PAIR_ROOM], text[RECORD_OPEN_BYTES];
};

// Bytes that depend on seed alone.
void pair_fill(uint8_t *bytes, size_t n, uint64_t seed);
struct record_crypto *pair_crypto(enum record_provider provider, uint64_t key_records);
// What both ends of a handshake hand over; seed: other secrets for another one.
void pair_secrets(struct record_secrets *client, struct record_secrets *server,
	struct pair_kind kind, uint64_t seed);
// key_records: as in record_crypto_config. Fails the test where it cannot be.
struct pair *pair_new(struct pair_kind kind, uint64_t key_records);
void pair_free(struct pair *p);

// Opens one record that lies in one piece.
void pair_open(struct record_session *s, struct record_crypto *c, const uint8_t *record, size_t n,
	uint8_t *text, struct record_opened *opened);
// Seals text of a type of its own choice, as a peer of any kind would: with an inner type and
// n_zeros of padding behind the text, under the send keys of s. Bytes written to out.
size_t pair_forge(struct record_session *s, struct record_crypto *c, uint8_t type, struct view text,
	size_t n_zeros, uint8_t *out);

// The other end sends a record of its own making (pair_forge()), and this end opens it.
void pair_send_to_client(
	struct pair *p, uint8_t type, const void *bytes, size_t n, struct record_opened *opened);
void pair_send_to_server(
	struct pair *p, uint8_t type, const void *bytes, size_t n, struct record_opened *opened);
// The same with one record, to an end of a new pair of a kind.
void pair_try(unsigned kind, bool to_client, uint8_t type, const void *bytes, size_t n,
	struct record_opened *opened);
// No data, no answer.
void pair_expect_digested(const struct record_opened *opened);
// Refused, and an answer says so.
void pair_expect_refused(
	const struct record_opened *opened, enum reason reason, enum record_alert alert);

// What the client seals of a text arrives at the server, and the other way round.
void pair_expect_text_both_ways(struct pair *p);
