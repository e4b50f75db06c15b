// SPDX-License-Identifier: BSD-3-Clause
// What the machine has, for a core map to be checked against and suggested from. Tests fake one by
// a tree of sysfs files. Main thread, before EAL.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_CORES_MAX 1024
#define MACHINE_NICS_MAX  32

struct machine_nic {
	char address[16];   // PCI, "0000:3b:00.0"
	char driver[32];    // the kernel's; empty for none
	char interface[16]; // the kernel's name for it; empty when it has none
	int node;           // -1: not said
};

struct machine {
	unsigned n_cores;                    // that this process may use
	bool core_usable[MACHINE_CORES_MAX]; // online, and in this process' cpuset
	int core_node[MACHINE_CORES_MAX];
	unsigned n_nodes;
	uint64_t hugepage_bytes_free;
	struct machine_nic nics[MACHINE_NICS_MAX];
	unsigned n_nics;
};

// Reads sysfs below root ("" for the real one). libnuma cannot be pointed at another root, so it
// is asked about the real machine only, for what sysfs does not say: the cores of this process'
// cpuset, and the node of each by the kernel's own account. 0 or -errno.
int machine_read(const char *root, struct machine *m);

// Whether DPDK can take the NIC as it is bound now.
bool machine_nic_bound(const struct machine_nic *nic);
