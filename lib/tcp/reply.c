// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/conn.h"

#define IPV4_BYTES 20
#define IPV6_BYTES 40

static struct tcp_reply *push(struct tcp *t, uint16_t listener)
{
	struct tcp_reply *reply;

	if (t->n_replies_pushed - t->n_replies_popped == TCP_REPLIES_MAX)
		return NULL;
	reply = &t->replies[t->n_replies_pushed++ % TCP_REPLIES_MAX];
	reply->listener = listener;
	reply->segment.options = (struct tcp_options){0};
	reply->segment.payload = VIEW_NONE;
	reply->segment.window = 0;
	return reply;
}

bool tcp_reply_reset(struct tcp *t, const struct tcp_segment *s, uint16_t listener)
{
	struct tcp_reply *reply;

	if ((s->flags & TCP_RST) != 0)
		return true;
	reply = t->reset_tokens == 0 ? NULL : push(t, listener);
	if (reply == NULL)
		return false;
	t->reset_tokens--;
	reply->segment.local = s->local;
	reply->segment.remote = s->remote;
	if ((s->flags & TCP_ACK) != 0) {
		reply->segment.seq = s->ack;
		reply->segment.ack = 0;
		reply->segment.flags = TCP_RST;
	} else {
		reply->segment.seq = 0;
		reply->segment.ack = s->seq + tcp_segment_length(s);
		reply->segment.flags = TCP_RST | TCP_ACK;
	}
	return true;
}

// RFC 9293 §3.10.5: only in these states does the peer wait for anything of ours.
static bool needs_reset(enum tcp_state s)
{
	return s == TCP_STATE_SYN_RECEIVED || s == TCP_STATE_ESTABLISHED ||
		s == TCP_STATE_FIN_WAIT_1 || s == TCP_STATE_FIN_WAIT_2 || s == TCP_STATE_CLOSE_WAIT;
}

void tcp_reply_abort(struct tcp *t, const struct tcp_conn *c)
{
	struct tcp_reply *reply;

	if (!needs_reset((enum tcp_state)c->state))
		return;
	reply = push(t, c->listener);
	if (reply == NULL)
		return;
	tcp_conn_endpoints(c, &reply->segment.local, &reply->segment.remote);
	reply->segment.seq = c->sender.nxt;
	reply->segment.ack = c->receiver.nxt;
	reply->segment.flags = TCP_RST | TCP_ACK;
}

bool tcp_reply_cookie(struct tcp *t, const struct tcp_segment *syn, const struct tcp_listener *l)
{
	struct tcp_reply *reply = push(t, l->listener);
	struct tcp_segment *s;
	uint32_t window = t->config.receive_bytes_max;

	if (reply == NULL)
		return false;
	s = &reply->segment;
	s->local = syn->local;
	s->remote = syn->remote;
	s->options.ts_value = (uint32_t)(t->now_ns / 1000000) +
		tcp_keys_ts_offset(&t->keys, &syn->local, &syn->remote);
	s->seq = tcp_cookie_make(&t->keys, syn, t->now_ns, &s->options.ts_value);
	s->ack = syn->seq + 1;
	s->flags = TCP_SYN | TCP_ACK;
	s->window = (uint16_t)(window < UINT16_MAX ? window : UINT16_MAX);
	s->options.has_mss = true;
	s->options.mss = tcp_mss_offered(l->mtu, syn->local.ip.family);
	// Only a timestamp that comes back remembers the others.
	if (syn->options.has_timestamps) {
		s->options.has_timestamps = true;
		s->options.ts_echo = syn->options.ts_value;
		s->options.sack_permitted = syn->options.sack_permitted;
		s->options.has_window_scale = syn->options.has_window_scale;
		s->options.window_scale = t->window_scale;
	}
	t->cookie_second = t->second + 1;
	return true;
}

uint16_t tcp_mss_offered(uint16_t mtu, uint8_t family)
{
	unsigned headers = TCP_BYTES + (family == IP_V4 ? IPV4_BYTES : IPV6_BYTES);

	return (uint16_t)(mtu > headers ? mtu - headers : 0);
}

void tcp_reply_time_wait(struct tcp *t, const struct tcp_time_wait *w)
{
	struct tcp_reply *reply = push(t, w->listener);
	struct tcp_segment *s;

	if (reply == NULL)
		return;
	s = &reply->segment;
	tcp_time_wait_endpoints(w, &s->local, &s->remote);
	s->seq = w->snd_nxt;
	s->ack = w->rcv_nxt;
	s->flags = TCP_ACK;
	if (w->has_timestamps) {
		s->options.has_timestamps = true;
		s->options.ts_value = (uint32_t)(t->now_ns / 1000000) +
			tcp_keys_ts_offset(&t->keys, &s->local, &s->remote);
		s->options.ts_echo = w->ts_recent;
	}
}

bool tcp_reply_pop(struct tcp *t, struct tcp_packet *out)
{
	const struct tcp_reply *reply;

	if (t->n_replies_popped == t->n_replies_pushed)
		return false;
	reply = &t->replies[t->n_replies_popped++ % TCP_REPLIES_MAX];
	out->local = reply->segment.local.ip;
	out->remote = reply->segment.remote.ip;
	out->conn = 0;
	out->listener = reply->listener;
	out->header_bytes = (uint8_t)tcp_segment_build(out->header, &reply->segment);
	out->segment_bytes = 0;
	out->payload_bytes = 0;
	out->n_parts = 0;
	return true;
}
