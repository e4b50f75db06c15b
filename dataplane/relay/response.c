// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/job.h"
#include "dataplane/relay/parcel.h"
#include "dataplane/relay/stamp.h"
#include "lib/sip/edit.h"

// Takes our Via away, which is the first value. REASON_none; or a response for which nobody is
// left.
static enum reason cut_top_via(struct sip_edits *edits, const struct sip_message *m)
{
	struct sip_values vias = sip_values_of(m, SIP_H_VIA);
	struct sip_value first, second;
	const struct sip_header *h;
	int more;

	if (sip_values_next(&vias, &first) <= 0)
		return REASON_sip_response_malformed;
	more = sip_values_next(&vias, &second);
	if (more < 0)
		return REASON_sip_response_malformed;
	if (more == 0)
		return REASON_sip_response_stray;
	h = first.h;
	if (second.h == h)
		sip_edits_cut(edits, first.span.at, (size_t)(second.span.at - first.span.at));
	else
		sip_edits_cut(edits, h->name.at, (size_t)(h->end - h->name.at));
	return REASON_none;
}

// A 503 says that this relay is overloaded, and a sender would shun it for all partners: it goes
// up as 500, and its Retry-After with it (FEATURES R1; RFC 3261 §16.7 step 6).
static void soften_503(struct sip_edits *edits, const struct sip_message *m)
{
	sip_edits_add(edits, m->start.at, m->start.len, VIEW("SIP/2.0 500 Server Internal Error"));
	for (const struct sip_header *h = sip_header_first(m, SIP_H_RETRY_AFTER); h != NULL;
		h = sip_header_next(m, h))
		sip_edits_cut(edits, h->name.at, (size_t)(h->end - h->name.at));
}

bool response_find_way(
	const struct relay *r, const struct sip_via *via, unsigned side, struct way_back *way)
{
	return self_is_sent_by(&r->self, via->host, via->port) &&
		way_back_parse(&r->marks, sip_param_find(via->params, VIEW(MARKS_WAY_PARAM)),
			via->branch, side, way) == 0 &&
		way->listener < r->self.n &&
		r->self.list[way->listener].local.ip.family == way->to.ip.family;
}

void response_aim(const struct relay *r, const struct way_back *way, struct relay_out *out)
{
	out->listener = way->listener;
	out->destination = way->to;
	out->destination.transport = r->self.list[way->listener].local.transport;
	out->conn = way->conn;
	out->worker = way->worker;
	out->branch = way->branch;
	out->is_response = true;
	out->kind = PARCEL_KEEP;
}

// A body that no buffer holds fits no datagram.
static bool fits(
	const struct relay *r, const struct job *job, const struct way_back *way, size_t n_bytes)
{
	const struct listener *out = &r->self.list[way->listener];

	if (out->local.transport == TRANSPORT_UDP)
		return !job->in->is_head && n_bytes <= out->datagram_bytes_max;
	return !job->in->is_head || job_body_bytes(job) <= r->body_bytes_max;
}

enum reason response_relay(const struct relay *r, struct job *job)
{
	const struct sip_message *m = &job->message;
	unsigned side = r->self.list[job->in->listener].side;
	struct sip_edits edits;
	struct sip_value at;
	struct sip_cseq cseq;
	struct way_back way;
	struct sip_via via;
	enum reason fault;

	if (sip_top_via(m, &via, &at) < 0)
		return REASON_sip_response_malformed;
	if (!response_find_way(r, &via, side, &way))
		return REASON_sip_response_stray;
	sip_edits_init(&edits, m->bytes);
	fault = cut_top_via(&edits, m);
	if (fault != REASON_none)
		return fault;
	if (m->status == 503)
		soften_503(&edits, m);
	stamp_cut(r, job, &edits);
	if (!fits(r, job, &way, edits.n_bytes))
		return REASON_too_large_to_send;
	job->out->len = sip_edits_write(&edits, job->out->bytes, job->out->room);
	if (job->out->len == 0)
		return REASON_too_large_to_send;
	response_aim(r, &way, job->out);
	if (way.conn != 0) {
		job->out->status = m->status;
		job->out->method = sip_cseq(m, &cseq) == 0 ? cseq.method : SIP_M_OTHER;
	}
	return REASON_sip_response_relayed;
}
