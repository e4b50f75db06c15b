// SPDX-License-Identifier: BSD-3-Clause
// Connections of secure-talker: TLS by OpenSSL over sockets that do not block, and the one request
// that is under way on each.

#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECURE_REQUEST_BYTES 1024
#define SECURE_ANSWER_BYTES  4096

struct secure_link {
	SSL *ssl; // NULL: not begun, or ended
	int fd;
	bool is_up;
	bool wants_out; // its socket is waited for to take more
	uint32_t index;
	uint32_t n_asked;
	uint32_t asked; // CSeq of the request that waits for its answer; 0: none
	uint64_t asked_ms, next_ms;
	uint32_t n_request, n_answer;
	char request[SECURE_REQUEST_BYTES]; // not taken by OpenSSL yet
	char answer[SECURE_ANSWER_BYTES];   // come, but not whole
};

struct secure_links {
	const char *address, *ca, *certificate, *key, *from, *to;
	char *name; // OpenSSL takes it so
	uint16_t port;
	uint32_t n, every_ms, key_update_every;
	SSL_CTX *context;
	int epoll_fd;
	struct secure_link *list;
	uint32_t n_begun, n_up, n_ended, n_tls13; // n_up: now
	uint64_t n_sent, n_answered, n_again, n_wrong, n_key_updates, n_heard_key_updates,
		longest_ms;
};

// False after saying why on stderr.
bool secure_links_init(struct secure_links *all);
void secure_link_begin(struct secure_links *all, uint32_t index, uint64_t now_ms);
// Sends the next request; before it, where it is time for that, a KeyUpdate.
void secure_link_ask(struct secure_links *all, struct secure_link *l, uint64_t now_ms);
// Whatever its socket allows.
void secure_link_step(struct secure_links *all, struct secure_link *l, uint64_t now_ms);
