// SPDX-License-Identifier: BSD-3-Clause
// What is sent, in which proportion (FEATURES.md §7). Pure: the n-th request of a mix is always the
// same.
//
// A day of a user, of eight hours: 6 conversations of 10 messages, each a MESSAGE and two INFO
// (typing); 4 presence documents an hour, each crossing the border once, as a NOTIFY, since the
// partner's server fans it out; 40 dialogs at log-on, each a SUBSCRIBE and a NOTIFY. A quarter of
// it, MIX_CYCLE requests, is the cycle of MIX_FEDERATION.

#pragma once

#include <stdint.h>

enum mix_name {
	MIX_MESSAGE,    // MESSAGEs alone, of one size
	MIX_IMS,        // INFO, INFO, MESSAGE
	MIX_FEDERATION, // all of it
	MIX_N,
};

enum mix_kind {
	MIX_IM,
	MIX_TYPING,
	MIX_SUBSCRIBE,
	MIX_DOCUMENT,
	MIX_KIND_N,
};

#define MIX_CYCLE              73
#define MIX_CYCLES_A_USER      4 // a day
#define MIX_DAY_SECONDS        (8 * 3600)
#define MIX_DOCUMENT_BYTES_MAX 25600
// RFC 3261 §18.1.1: no request of more than 1300 bytes leaves by UDP, so a document that would make
// one is this long there.
#define MIX_DOCUMENT_UDP_BYTES 800

struct mix {
	enum mix_name name;
	uint32_t document_bytes_max;
	uint8_t n_documents_before[MIX_CYCLE]; // in the cycle
};

struct mix_request {
	enum mix_kind kind;
	uint64_t conversation;   // requests of one have the same two users
	uint32_t document_bytes; // of MIX_DOCUMENT: 4096 in the mean where none is cut
};

// document_bytes_max: longer ones are cut to it.
void mix_init(struct mix *m, enum mix_name name, uint32_t document_bytes_max);
struct mix_request mix_at(const struct mix *m, uint64_t number);
// How many users, in the mean of a day, make so many requests a second; 0 where the mix is no
// user's.
double mix_users(const struct mix *m, double rate);

// "message", "ims", "federation". 0 or -EINVAL.
int mix_find(const char *text, enum mix_name *out);
const char *mix_text(enum mix_name name);
