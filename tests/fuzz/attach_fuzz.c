// SPDX-License-Identifier: BSD-3-Clause
// One packet of the attachment's socket: first byte says receiver and descriptor, the rest is it.

#include "lib/link/attach.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_text(const char *text, size_t n_bytes)
{
	require(memchr(text, '\0', n_bytes) != NULL);
}

static void require_safe(const struct attach_message *m)
{
	switch (m->type) {
	case ATTACH_CLAIM:
		require_text(m->claim.version, sizeof(m->claim.version));
		break;
	case ATTACH_HELLO:
		require(m->hello.n_workers <= ATTACH_WORKERS_MAX);
		require(m->hello.n_listeners <= ATTACH_LISTENERS_MAX);
		require_text(m->hello.version, sizeof(m->hello.version));
		break;
	case ATTACH_SEGMENT:
		require(m->segment.worker < ATTACH_WORKERS_MAX);
		break;
	case ATTACH_LISTENER:
		require(m->listener.index < ATTACH_LISTENERS_MAX && m->listener.side < SIDE_N);
		require_text(m->listener.name, sizeof(m->listener.name));
		break;
	case ATTACH_PUBLISH:
		require(m->publish.n_bytes <= IMAGE_BYTES_MAX);
		break;
	case ATTACH_PUBLISHED:
		require_text(m->published.error, sizeof(m->published.error));
		break;
	case ATTACH_COUNTERS:
		require(m->counters.worker < ATTACH_WORKERS_MAX);
		break;
	case ATTACH_HITS:
		require(m->hits.n_entries <= ATTACH_HITS_MAX);
		break;
	case ATTACH_BYE:
		require_text(m->bye.why, sizeof(m->bye.why));
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct attach_message m;
	bool to_control, has_fd;

	if (size == 0 || size - 1 > sizeof(m))
		return 0;
	to_control = data[0] & 1;
	has_fd = data[0] & 2;
	// What lies beyond the packet's end must not matter.
	memset(&m, 0xa5, sizeof(m));
	memcpy(&m, data + 1, size - 1);
	if (attach_check(&m, size - 1, has_fd, to_control) == NULL) {
		require(size - 1 == attach_message_bytes(m.type));
		require_safe(&m);
	}
	return 0;
}
