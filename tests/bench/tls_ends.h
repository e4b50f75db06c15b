// SPDX-License-Identifier: BSD-3-Clause
// Both ends of a foreign relay's TLS over loopback: OpenSSL on the kernel's sockets, clients that
// write, and servers that read what the relay sends on. One thread; nothing blocks for long.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_ENDS_CONNS 64 // clients, and servers at most

struct tls_ends;

// Certificates of both: directory's peer.pem, by ca.pem. Listens on the port. NULL, and why on
// stderr.
struct tls_ends *tls_ends_listen(const char *directory, uint16_t port);
// Connects all clients to the relay's port; waits for its own connections to be up too, as soon as
// a byte has gone through each. False where that does not come to be.
bool tls_ends_connect(struct tls_ends *e, uint16_t port);
void tls_ends_close(struct tls_ends *e);

// Writes one record. False where it cannot at once.
bool tls_ends_write(struct tls_ends *e, unsigned client, const void *bytes, size_t n_bytes);
// Reads so many bytes, of all servers together. False where they do not come.
bool tls_ends_read(struct tls_ends *e, uint64_t n_bytes);
