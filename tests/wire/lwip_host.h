// SPDX-License-Identifier: BSD-3-Clause
// A host on an Ethernet whose TCP is lwIP, over a frame port. lwIP knows one instance a process, so
// there is one host.
//
// lwIP's names are ours too (struct ip_addr, tcp_write() and others): only lwip_host.c includes its
// headers, and a program with this file must not be linked with lib/tcp, or lwIP's own calls would
// end in our engine.
//
// lwIP's thread runs its timers; all else is done by the caller's thread, between enter and leave,
// which hold lwIP's core lock. Both may set the flags of a connection then.

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct pbuf;
struct tcp_pcb;

struct lwip_host_config {
	int fd; // of frame_port.h
	uint8_t mac[6];
	const char *addresses[2]; // text, of either family; NULL: none. /24 and /64 are on the link
	// How many half seconds lwIP is to believe that it has run. Its initial sequence numbers
	// are sums of these: from 0 they hardly move.
	uint32_t ticks;
	FILE *trace; // pcap.h; NULL: none
};

struct lwip_conn {
	struct tcp_pcb *pcb; // NULL: gone, or lwIP ends it alone
	struct pbuf *unread;
	bool has_news; // something changed; for the user to take back
	bool opened, peer_finished, finished;
	const char *broken; // why it is gone; NULL: it is not
};

// Starts lwIP and its thread; false when an address is none.
bool lwip_host_up(const struct lwip_host_config *config);
void lwip_host_enter(void);
void lwip_host_leave(void);

// All below: between enter and leave.

// Takes what has come, at most a few hundred frames. False when the port is gone.
bool lwip_host_receive(void);
unsigned lwip_host_conns(void); // not counting those in TIME_WAIT
unsigned lwip_host_time_waits(void);

// accept gives the connection a place, all zero, that stays where it is; NULL refuses it.
bool lwip_host_listen(const char *address, uint16_t port, struct lwip_conn *(*accept)(void));
// False where lwIP has that local port in use, or the address is none of this link.
bool lwip_conn_open(struct lwip_conn *c, const char *address, uint16_t port, uint16_t local_port);

// What was taken or given, of n_bytes at most; 0 also where the connection is gone.
uint32_t lwip_conn_write(struct lwip_conn *c, const uint8_t *bytes, uint32_t n_bytes);
uint32_t lwip_conn_read(struct lwip_conn *c, uint8_t *bytes, uint32_t n_bytes);
// No more from us. Once both sides have finished, lwIP ends the connection alone.
void lwip_conn_finish(struct lwip_conn *c);
// Gives all back; resets what has not ended.
void lwip_conn_drop(struct lwip_conn *c);
