// SPDX-License-Identifier: BSD-3-Clause
// fedrelay-control's command line.

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define OPTIONS_DNS_MAX 4

struct options {
	const char *dataplane;    // the dataplane's socket
	const char *socket;       // control's own
	const char *state;        // the store's directory
	const char *certificates; // of certificates, keys, roots and CRLs
	const char *user;         // whom to become; NULL: stay
	uid_t uid;                // who control is in the end
	gid_t gid;
	gid_t publishers; // a group that may publish; API_NO_GROUP: none
	// Handshakes that peers may begin each second, of one source and in all; 0: no limit.
	uint32_t handshakes_source, handshakes_all;
	// Servers that DNS is asked of, each ADDRESS or ADDRESS@PORT; none: those of
	// /etc/resolv.conf.
	const char *dns[OPTIONS_DNS_MAX];
	unsigned n_dns;
	const char *dns_anchor; // file of DNSSEC trust anchors; NULL: nothing is validated
	bool sips_first;        // _sips._tcp before _sipfederationtls._tcp
	bool insecure_root;
};

// Reads the arguments, looks users and groups up. 0 to go on; else the exit code is *exit_code and
// everything has been said.
int options_parse(struct options *o, int argc, char *argv[], int *exit_code);
