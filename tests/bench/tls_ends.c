// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/tls_ends.h"

#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Until the relay listens, and until what was written comes out of it.
#define START_MS 5000
#define QUIET_MS 20000
#define PAUSE_MS 20

struct tls_ends {
	SSL_CTX *client_ctx, *server_ctx;
	int listener;
	SSL *clients[TLS_ENDS_CONNS];
	SSL *servers[TLS_ENDS_CONNS];
	struct pollfd polled[TLS_ENDS_CONNS + 1]; // servers, then the listener
	unsigned n_servers;
};

static SSL_CTX *context(const SSL_METHOD *method, const char *directory)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	char pem[128], ca[128];

	snprintf(pem, sizeof(pem), "%s/peer.pem", directory);
	snprintf(ca, sizeof(ca), "%s/ca.pem", directory);
	if (ctx == NULL || SSL_CTX_use_certificate_file(ctx, pem, SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_use_PrivateKey_file(ctx, pem, SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1 ||
		SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1)
		return NULL;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	return ctx;
}

static struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

struct tls_ends *tls_ends_listen(const char *directory, uint16_t port)
{
	struct tls_ends *e = calloc(1, sizeof(*e));
	struct sockaddr_in address = loopback(port);
	int one = 1;

	if (e == NULL)
		return NULL;
	e->client_ctx = context(TLS_client_method(), directory);
	e->server_ctx = context(TLS_server_method(), directory);
	e->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (e->listener >= 0)
		setsockopt(e->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (e->client_ctx == NULL || e->server_ctx == NULL || e->listener < 0 ||
		bind(e->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(e->listener, TLS_ENDS_CONNS) < 0) {
		bench_skip("TLS over loopback: %s", strerror(errno));
		tls_ends_close(e);
		return NULL;
	}
	return e;
}

static SSL *begin(SSL_CTX *ctx, int fd, bool accepts)
{
	SSL *ssl = SSL_new(ctx);
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
		exit(1);
	if (accepts)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	return ssl;
}

static void accept_all(struct tls_ends *e)
{
	int fd;

	while (e->n_servers < TLS_ENDS_CONNS &&
		(fd = accept4(e->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		e->polled[e->n_servers] = (struct pollfd){.fd = fd, .events = POLLIN};
		e->servers[e->n_servers++] = begin(e->server_ctx, fd, true);
	}
}

// What each server has for us: handshakes go on by it too.
static uint64_t read_all(struct tls_ends *e)
{
	uint8_t bytes[16384];
	uint64_t n_all = 0;
	int n;

	accept_all(e);
	for (unsigned i = 0; i < e->n_servers; i++) {
		while ((n = SSL_read(e->servers[i], bytes, sizeof(bytes))) > 0)
			n_all += (uint64_t)n;
	}
	return n_all;
}

bool tls_ends_read(struct tls_ends *e, uint64_t n_bytes)
{
	uint64_t n_all = 0;

	while (n_all < n_bytes) {
		e->polled[e->n_servers] = (struct pollfd){.fd = e->listener, .events = POLLIN};
		if (poll(e->polled, e->n_servers + 1, QUIET_MS) <= 0)
			return false;
		n_all += read_all(e);
	}
	return n_all == n_bytes;
}

// A blocking handshake of a client, once the relay listens.
static SSL *connect_client(struct tls_ends *e, const struct sockaddr_in *relay)
{
	for (unsigned waited_ms = 0; waited_ms < START_MS; waited_ms += PAUSE_MS) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0)
			return NULL;
		if (connect(fd, (const struct sockaddr *)relay, sizeof(*relay)) == 0) {
			SSL *ssl = begin(e->client_ctx, fd, false);

			if (SSL_do_handshake(ssl) == 1)
				return ssl;
			SSL_free(ssl);
			close(fd);
			return NULL;
		}
		close(fd);
		poll(NULL, 0, PAUSE_MS);
	}
	return NULL;
}

bool tls_ends_connect(struct tls_ends *e, uint16_t port)
{
	const struct sockaddr_in relay = loopback(port);

	for (unsigned i = 0; i < TLS_ENDS_CONNS; i++) {
		e->clients[i] = connect_client(e, &relay);
		if (e->clients[i] == NULL || !tls_ends_write(e, i, "\r", 1) || !tls_ends_read(e, 1))
			return false;
	}
	return e->n_servers == TLS_ENDS_CONNS;
}

bool tls_ends_write(struct tls_ends *e, unsigned client, const void *bytes, size_t n_bytes)
{
	return SSL_write(e->clients[client], bytes, (int)n_bytes) == (int)n_bytes;
}

static void end_all(SSL *list[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int fd = list[i] != NULL ? SSL_get_fd(list[i]) : -1;

		SSL_free(list[i]);
		if (fd >= 0)
			close(fd);
	}
}

void tls_ends_close(struct tls_ends *e)
{
	if (e == NULL)
		return;
	end_all(e->clients, TLS_ENDS_CONNS);
	end_all(e->servers, e->n_servers);
	if (e->listener >= 0)
		close(e->listener);
	SSL_CTX_free(e->client_ctx);
	SSL_CTX_free(e->server_ctx);
	free(e);
}
