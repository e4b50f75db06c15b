// SPDX-License-Identifier: BSD-3-Clause

#include "tests/wire/lwip_host.h"

#include "tests/wire/frame_port.h"
#include "tests/wire/pcap.h"

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ip6.h>
#include <lwip/tcpip.h>
#include <netif/ethernet.h>
#include <semaphore.h>
#include <string.h>

#define FRAMES_MAX 512 // a turn
#define MTU        1500

static struct netif netif;
static struct lwip_host_config host;

void lwip_host_enter(void)
{
	LOCK_TCPIP_CORE();
}

void lwip_host_leave(void)
{
	UNLOCK_TCPIP_CORE();
}

// From either thread; the core lock guards the bytes.
static err_t send_frame(struct netif *n, struct pbuf *p)
{
	static uint8_t frame[FRAME_BYTES_MAX];
	uint16_t n_bytes = pbuf_copy_partial(p, frame, sizeof(frame), 0);

	(void)n;
	if (host.trace != NULL)
		pcap_add(host.trace, frame, n_bytes);
	frame_port_send(host.fd, frame, n_bytes);
	return ERR_OK;
}

static err_t netif_begin(struct netif *n)
{
	n->name[0] = 'f';
	n->name[1] = 'p';
	n->mtu = MTU;
	n->hwaddr_len = sizeof(host.mac);
	memcpy(n->hwaddr, host.mac, sizeof(host.mac));
	n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
		NETIF_FLAG_MLD6 | NETIF_FLAG_IGMP;
	n->output = etharp_output;
	n->output_ip6 = ethip6_output;
	n->linkoutput = send_frame;
	return ERR_OK;
}

static bool add_address(const char *text)
{
	ip4_addr_t mask;
	ip_addr_t ip;
	int8_t at;

	if (!ipaddr_aton(text, &ip))
		return false;
	if (IP_IS_V4_VAL(ip)) {
		IP4_ADDR(&mask, 255, 255, 255, 0);
		netif_set_addr(&netif, ip_2_ip4(&ip), &mask, NULL);
		return true;
	}
	if (netif_add_ip6_address(&netif, ip_2_ip6(&ip), &at) != ERR_OK)
		return false;
	// Without asking whether somebody else has it.
	netif_ip6_addr_set_state(&netif, at, IP6_ADDR_PREFERRED);
	return true;
}

static void tell_started(void *started)
{
	sem_post(started);
}

bool lwip_host_up(const struct lwip_host_config *config)
{
	bool is_right = true;
	sem_t started;

	host = *config;
	sem_init(&started, 0, 0);
	tcpip_init(tell_started, &started);
	sem_wait(&started);
	lwip_host_enter();
	tcp_ticks = host.ticks;
	if (netif_add(&netif, NULL, NULL, NULL, NULL, netif_begin, ethernet_input) == NULL)
		is_right = false;
	netif_create_ip6_linklocal_address(&netif, 1);
	netif_set_default(&netif);
	netif_set_link_up(&netif);
	netif_set_up(&netif);
	for (unsigned i = 0; i < 2 && is_right; i++)
		is_right = host.addresses[i] == NULL || add_address(host.addresses[i]);
	lwip_host_leave();
	return is_right;
}

// A frame whose protocol number the wire has damaged may say UDP-Lite; lwIP's ends the program
// over a length that is none.
static bool is_wanted(const uint8_t *frame, size_t n_bytes)
{
	const struct eth_hdr *ether = (const struct eth_hdr *)frame;
	const struct ip6_hdr *ip = (const struct ip6_hdr *)(frame + SIZEOF_ETH_HDR);

	if (n_bytes < SIZEOF_ETH_HDR + IP6_HLEN || ether->type != PP_HTONS(ETHTYPE_IPV6))
		return true;
	return IP6H_NEXTH(ip) == IP6_NEXTH_TCP || IP6H_NEXTH(ip) == IP6_NEXTH_ICMP6;
}

static void give_to_lwip(const uint8_t *frame, size_t n_bytes)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (uint16_t)n_bytes, PBUF_RAM);

	if (p == NULL)
		return;
	pbuf_take(p, frame, (uint16_t)n_bytes);
	if (netif.input(p, &netif) != ERR_OK)
		pbuf_free(p);
}

bool lwip_host_receive(void)
{
	static uint8_t frame[FRAME_BYTES_MAX];
	size_t n_bytes = 1;

	for (unsigned i = 0; i < FRAMES_MAX && n_bytes > 0; i++) {
		if (!frame_port_receive(host.fd, frame, &n_bytes))
			return false;
		if (n_bytes > 0 && host.trace != NULL)
			pcap_add(host.trace, frame, n_bytes);
		if (n_bytes > 0 && is_wanted(frame, n_bytes))
			give_to_lwip(frame, n_bytes);
	}
	return true;
}

static unsigned length(const struct tcp_pcb *list)
{
	unsigned n = 0;

	for (; list != NULL; list = list->next)
		n++;
	return n;
}

unsigned lwip_host_conns(void)
{
	return length(tcp_active_pcbs);
}

unsigned lwip_host_time_waits(void)
{
	return length(tcp_tw_pcbs);
}

// What still is to be said, lwIP says without us.
static void leave_to_lwip(struct lwip_conn *c)
{
	tcp_arg(c->pcb, NULL);
	tcp_recv(c->pcb, NULL);
	tcp_sent(c->pcb, NULL);
	tcp_err(c->pcb, NULL);
	c->pcb = NULL;
}

// Takes the bytes; without bytes the peer has finished.
static err_t received(void *user, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
	struct lwip_conn *c = user;

	(void)pcb;
	(void)error;
	c->has_news = true;
	if (p == NULL) {
		c->peer_finished = true;
		if (c->finished)
			leave_to_lwip(c);
	} else if (c->unread == NULL) {
		c->unread = p;
	} else {
		pbuf_cat(c->unread, p);
	}
	return ERR_OK;
}

static err_t sent(void *user, struct tcp_pcb *pcb, uint16_t n_bytes)
{
	(void)pcb;
	(void)n_bytes;
	((struct lwip_conn *)user)->has_news = true;
	return ERR_OK;
}

static void broke(void *user, err_t error)
{
	struct lwip_conn *c = user;

	c->pcb = NULL;
	c->has_news = true;
	c->broken = error == ERR_RST ? "reset by the peer"
		: error == ERR_ABRT  ? "given up by lwIP"
				     : "closed by lwIP";
}

static err_t opened(void *user, struct tcp_pcb *pcb, err_t error)
{
	struct lwip_conn *c = user;

	(void)pcb;
	(void)error;
	c->opened = true;
	c->has_news = true;
	return ERR_OK;
}

static void attach(struct lwip_conn *c, struct tcp_pcb *pcb)
{
	c->pcb = pcb;
	tcp_nagle_disable(pcb);
	tcp_arg(pcb, c);
	tcp_recv(pcb, received);
	tcp_sent(pcb, sent);
	tcp_err(pcb, broke);
}

static struct lwip_conn *(*give_place)(void);

static err_t accepted(void *user, struct tcp_pcb *pcb, err_t error)
{
	struct lwip_conn *c;

	(void)user;
	if (pcb == NULL || error != ERR_OK)
		return ERR_VAL;
	c = give_place();
	// lwIP resets what is refused.
	if (c == NULL)
		return ERR_MEM;
	attach(c, pcb);
	c->opened = true;
	c->has_news = true;
	return ERR_OK;
}

bool lwip_host_listen(const char *address, uint16_t port, struct lwip_conn *(*accept)(void))
{
	struct tcp_pcb *pcb, *listener = NULL;
	ip_addr_t ip;

	if (!ipaddr_aton(address, &ip))
		return false;
	pcb = tcp_new_ip_type(IP_GET_TYPE(&ip));
	if (pcb != NULL && tcp_bind(pcb, &ip, port) == ERR_OK)
		listener = tcp_listen(pcb);
	if (listener == NULL)
		return false;
	give_place = accept;
	tcp_accept(listener, accepted);
	return true;
}

bool lwip_conn_open(struct lwip_conn *c, const char *address, uint16_t port, uint16_t local_port)
{
	struct tcp_pcb *pcb;
	ip_addr_t ip;

	if (!ipaddr_aton(address, &ip))
		return false;
	pcb = tcp_new_ip_type(IP_GET_TYPE(&ip));
	if (pcb == NULL)
		return false;
	attach(c, pcb);
	if (tcp_bind(pcb, IP_IS_V6_VAL(ip) ? IP6_ADDR_ANY : IP4_ADDR_ANY, local_port) == ERR_OK &&
		tcp_connect(pcb, &ip, port, opened) == ERR_OK)
		return true;
	leave_to_lwip(c);
	tcp_abort(pcb);
	return false;
}

uint32_t lwip_conn_write(struct lwip_conn *c, const uint8_t *bytes, uint32_t n_bytes)
{
	uint16_t room;

	if (c->pcb == NULL || !c->opened)
		return 0;
	room = tcp_sndbuf(c->pcb);
	n_bytes = n_bytes < room ? n_bytes : room;
	// Refused where its queue has too many pieces: an ACK makes room, and sent() tells of it.
	if (n_bytes == 0 ||
		tcp_write(c->pcb, bytes, (uint16_t)n_bytes, TCP_WRITE_FLAG_COPY) != ERR_OK)
		return 0;
	tcp_output(c->pcb);
	return n_bytes;
}

uint32_t lwip_conn_read(struct lwip_conn *c, uint8_t *bytes, uint32_t n_bytes)
{
	uint16_t n;

	if (c->unread == NULL)
		return 0;
	n = pbuf_copy_partial(c->unread, bytes, (uint16_t)LWIP_MIN(n_bytes, UINT16_MAX), 0);
	c->unread = pbuf_free_header(c->unread, n);
	if (c->pcb != NULL)
		tcp_recved(c->pcb, n);
	return n;
}

void lwip_conn_finish(struct lwip_conn *c)
{
	c->finished = true;
	if (c->pcb == NULL)
		return;
	tcp_shutdown(c->pcb, 0, 1);
	if (c->peer_finished)
		leave_to_lwip(c);
}

void lwip_conn_drop(struct lwip_conn *c)
{
	struct tcp_pcb *pcb = c->pcb;

	if (c->unread != NULL)
		pbuf_free(c->unread);
	c->unread = NULL;
	if (pcb == NULL)
		return;
	leave_to_lwip(c);
	tcp_abort(pcb);
}
