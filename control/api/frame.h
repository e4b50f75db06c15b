// SPDX-License-Identifier: BSD-3-Clause
// How fedctl and control talk: a Unix stream socket, on it requests and replies in turn, each a
// length (4 bytes, big endian) and that many bytes of JSON, an object. Descriptors of a publication
// travel by SCM_RIGHTS with the first byte of their request.

#pragma once

#include "lib/base/wire.h"

#include <stdbool.h>
#include <stddef.h>

#define FRAME_HEADER_BYTES      4
#define FRAME_REQUEST_BYTES_MAX (64u << 10)
#define FRAME_REPLY_BYTES_MAX   (64u << 20)

// The document and the list files that it may name.
#define FRAME_FDS_MAX 65

#define FRAME_SOCKET_DEFAULT "/run/fedrelay/control.sock"

// The JSON's length in *n_bytes; false when it is none that a receiver with this limit takes.
static inline bool frame_decode(
	const uint8_t header[FRAME_HEADER_BYTES], size_t bytes_max, size_t *n_bytes)
{
	*n_bytes = wire_get32(header);
	return *n_bytes >= 2 && *n_bytes <= bytes_max;
}
