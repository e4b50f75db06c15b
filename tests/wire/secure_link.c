// SPDX-License-Identifier: BSD-3-Clause

#include "tests/wire/secure_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct secure_links *counted; // by note_message()

// Of the peer's KeyUpdates: OpenSSL takes them without a word.
static void note_message(
	int write, int version, int type, const void *bytes, size_t n, SSL *ssl, void *arg)
{
	(void)version;
	(void)ssl;
	(void)arg;
	if (write == 0 && type == SSL3_RT_HANDSHAKE && n > 0 &&
		*(const uint8_t *)bytes == SSL3_MT_KEY_UPDATE)
		counted->n_heard_key_updates++;
}

static bool complain(const char *what)
{
	fprintf(stderr, "secure-talker: %s\n", what);
	ERR_print_errors_fp(stderr);
	return false;
}

bool secure_links_init(struct secure_links *all)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (context == NULL || SSL_CTX_load_verify_locations(context, all->ca, NULL) != 1)
		return complain(all->ca);
	if (SSL_CTX_use_certificate_chain_file(context, all->certificate) != 1 ||
		SSL_CTX_use_PrivateKey_file(context, all->key, SSL_FILETYPE_PEM) != 1)
		return complain(all->certificate);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_msg_callback(context, note_message);
	counted = all;
	all->context = context;
	all->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	all->list = calloc(all->n, sizeof(*all->list));
	return all->list != NULL && all->epoll_fd >= 0 ? true : complain("no memory");
}

static void fail(struct secure_links *all, struct secure_link *l, const char *what)
{
	fprintf(stderr, "secure-talker: connection %u: %s\n", l->index, what);
	ERR_print_errors_fp(stderr);
	if (l->is_up)
		all->n_up--;
	all->n_ended++;
	l->is_up = false;
	SSL_free(l->ssl);
	l->ssl = NULL;
	close(l->fd);
}

static void watch(struct secure_links *all, struct secure_link *l, int how, bool out)
{
	struct epoll_event event = {
		.events = EPOLLIN | (out ? (uint32_t)EPOLLOUT : 0), .data.ptr = l};

	if (how == EPOLL_CTL_MOD && out == l->wants_out)
		return;
	l->wants_out = out;
	epoll_ctl(all->epoll_fd, how, l->fd, &event);
}

// What a call of OpenSSL's that could not go on waits for. False: it is over.
static bool goes_on(struct secure_links *all, struct secure_link *l, int result, const char *what)
{
	switch (SSL_get_error(l->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		watch(all, l, EPOLL_CTL_MOD, false);
		return true;
	case SSL_ERROR_WANT_WRITE:
		watch(all, l, EPOLL_CTL_MOD, true);
		return true;
	case SSL_ERROR_ZERO_RETURN:
		fail(all, l, "closed by the relay");
		return false;
	default:
		fail(all, l, what);
		return false;
	}
}

static int open_socket(const struct secure_links *all)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(all->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(all->port)};
	bool is_v4 = inet_pton(AF_INET, all->address, &v4.sin_addr) == 1;
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, rc;

	if (!is_v4 && inet_pton(AF_INET6, all->address, &v6.sin6_addr) != 1)
		errno = EINVAL;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	rc = is_v4 ? connect(fd, (const struct sockaddr *)&v4, sizeof(v4))
		   : connect(fd, (const struct sockaddr *)&v6, sizeof(v6));
	if (rc < 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

void secure_link_begin(struct secure_links *all, uint32_t index, uint64_t now_ms)
{
	struct secure_link *l = &all->list[index];

	*l = (struct secure_link){.index = index, .next_ms = now_ms};
	l->fd = open_socket(all);
	l->ssl = SSL_new(all->context);
	if (l->fd < 0 || l->ssl == NULL || SSL_set_fd(l->ssl, l->fd) != 1 ||
		SSL_set_tlsext_host_name(l->ssl, all->name) != 1) {
		fail(all, l, strerror(errno));
		return;
	}
	SSL_set_max_proto_version(l->ssl, index % 2 == 0 ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_set_min_proto_version(l->ssl, index % 2 == 0 ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_set_connect_state(l->ssl);
	watch(all, l, EPOLL_CTL_ADD, true);
}

// A request goes out whole, in one record: a KeyUpdate is before it, never within.
static void flush(struct secure_links *all, struct secure_link *l)
{
	int n;

	if (l->n_request == 0)
		return;
	n = SSL_write(l->ssl, l->request, (int)l->n_request);
	if (n <= 0) {
		(void)goes_on(all, l, n, "cannot be written to");
		return;
	}
	l->n_request = 0;
	watch(all, l, EPOLL_CTL_MOD, false);
}

static void update_keys(struct secure_links *all, struct secure_link *l)
{
	uint32_t every = all->key_update_every;

	if (every == 0 || l->n_asked % every != 0 || SSL_version(l->ssl) != TLS1_3_VERSION)
		return;
	if (SSL_key_update(l->ssl,
		    l->n_asked / every % 2 == 0 ? SSL_KEY_UPDATE_NOT_REQUESTED
						: SSL_KEY_UPDATE_REQUESTED) == 1)
		all->n_key_updates++;
}

void secure_link_ask(struct secure_links *all, struct secure_link *l, uint64_t now_ms)
{
	int pid = (int)getpid();

	l->asked = ++l->n_asked;
	l->asked_ms = now_ms;
	// Spread over the time between two, whenever they connected.
	l->next_ms = now_ms + all->every_ms / 2 + (uint64_t)rand() % (all->every_ms + 1);
	update_keys(all, l);
	l->n_request = (uint32_t)snprintf(l->request, sizeof(l->request),
		"MESSAGE %s SIP/2.0\r\n"
		"Via: SIP/2.0/TLS %s.invalid:5061;branch=z9hG4bK%d-%u-%u\r\n"
		"Max-Forwards: 70\r\n"
		"From: <%s>;tag=t%u\r\n"
		"To: <%s>\r\n"
		"Call-ID: %d-%u-%u\r\n"
		"CSeq: %u MESSAGE\r\n"
		"Content-Type: text/plain\r\n"
		"Content-Length: 5\r\n\r\nhello",
		all->to, "talker", pid, l->index, l->asked, all->from, l->index, all->to, pid,
		l->index, l->asked, l->asked);
	all->n_sent++;
	flush(all, l);
}

// One whole answer in the beginning of a text: whether it is what was asked for.
static void take_answer(struct secure_links *all, struct secure_link *l, uint64_t now_ms)
{
	const char *cseq = strstr(l->answer, "\r\nCSeq: ");
	unsigned long number = cseq != NULL ? strtoul(cseq + 8, NULL, 10) : 0;
	bool is_right = strncmp(l->answer, "SIP/2.0 200 ", 12) == 0;

	if (strncmp(l->answer, "SIP/2.0 1", 9) == 0)
		return;
	// A server that got a request twice over UDP, being late, answers it twice.
	if (is_right && number != 0 && number <= l->n_asked && number != l->asked) {
		all->n_again++;
		return;
	}
	if (!is_right || l->asked == 0 || number != l->asked) {
		all->n_wrong++;
		fprintf(stderr, "secure-talker: connection %u: %.200s\n", l->index, l->answer);
	}
	if (l->asked == 0)
		return;
	if (now_ms - l->asked_ms > all->longest_ms)
		all->longest_ms = now_ms - l->asked_ms;
	all->n_answered++;
	l->asked = 0;
}

// Answers have no bodies here; a CRLF between them is a keepalive's answer.
static void take_answers(struct secure_links *all, struct secure_link *l, uint64_t now_ms)
{
	const char *head_end;

	for (;;) {
		size_t n_head;

		l->answer[l->n_answer] = '\0';
		while (l->n_answer >= 2 && memcmp(l->answer, "\r\n", 2) == 0)
			memmove(l->answer, l->answer + 2, (l->n_answer -= 2) + 1);
		head_end = strstr(l->answer, "\r\n\r\n");
		if (head_end == NULL)
			return;
		n_head = (size_t)(head_end - l->answer) + 4;
		take_answer(all, l, now_ms);
		l->n_answer -= (uint32_t)n_head;
		memmove(l->answer, l->answer + n_head, l->n_answer);
	}
}

static void shake_hands(struct secure_links *all, struct secure_link *l)
{
	int rc = SSL_do_handshake(l->ssl);

	if (rc != 1) {
		(void)goes_on(all, l, rc, "handshake failed");
		return;
	}
	l->is_up = true;
	all->n_up++;
	all->n_tls13 += SSL_version(l->ssl) == TLS1_3_VERSION;
	watch(all, l, EPOLL_CTL_MOD, false);
}

void secure_link_step(struct secure_links *all, struct secure_link *l, uint64_t now_ms)
{
	if (l->ssl != NULL && !l->is_up)
		shake_hands(all, l);
	while (l->ssl != NULL && l->is_up) {
		size_t room = sizeof(l->answer) - 1 - l->n_answer;
		int n = SSL_read(l->ssl, l->answer + l->n_answer, (int)room);

		if (n <= 0) {
			if (goes_on(all, l, n, "cannot be read"))
				flush(all, l);
			return;
		}
		l->n_answer += (uint32_t)n;
		take_answers(all, l, now_ms);
	}
}
