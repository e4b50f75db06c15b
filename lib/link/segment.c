// SPDX-License-Identifier: BSD-3-Clause
// Shared memory of the rings: see ring.h.

#include "lib/link/ring.h"
#include "lib/link/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

// The size stands for as long as anybody maps it, so that no access faults.
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static struct link_segment *map_segment(int fd)
{
	void *at = mmap(
		NULL, LINK_SEGMENT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);

	if (at == MAP_FAILED)
		return NULL;
	// It carries secrets later on. Both are best effort: limits may forbid the lock.
	(void)mlock(at, LINK_SEGMENT_BYTES);
	(void)madvise(at, LINK_SEGMENT_BYTES, MADV_DONTDUMP);
	return at;
}

int link_segment_create(struct link_segment **segment)
{
	int fd = memfd_create("fedrelay-link", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, LINK_SEGMENT_BYTES) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		goto fail;
	*segment = map_segment(fd);
	if (*segment == NULL)
		goto fail;
	return fd;
fail:
	error = errno;
	close(fd);
	return -error;
}

int link_segment_map(int fd, struct link_segment **segment)
{
	if (sealed_check(fd, LINK_SEGMENT_BYTES, SEALS) != NULL)
		return -EBADMSG;
	*segment = map_segment(fd);
	return *segment == NULL ? -errno : 0;
}

void link_segment_unmap(struct link_segment *segment)
{
	if (segment != NULL)
		munmap(segment, LINK_SEGMENT_BYTES);
}
