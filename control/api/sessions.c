// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/request.h"

#include "control/tls/eku.h"
#include "lib/base/text.h"

struct list {
	json_t *rows;
	const struct dataplane_status *status;
};

static const char *proof_name(unsigned proof)
{
	static const char *const names[CARD_PROOF_N] = {
		[CARD_PROOF_NONE] = "none",
		[CARD_SAN_URI] = "san_uri",
		[CARD_SAN_DNS] = "san_dns",
		[CARD_CN] = "cn",
		[CARD_DIALBACK] = "dialback",
	};

	return proof < CARD_PROOF_N ? names[proof] : "none";
}

static const char *version_name(enum record_version version)
{
	if (version == RECORD_VERSION_NONE)
		return "";
	return version == RECORD_TLS13 ? "1.3" : "1.2";
}

static const char *suite_name(enum record_suite suite)
{
	static const char *const names[RECORD_SUITE_N] = {
		[RECORD_SUITE_NONE] = "",
		[RECORD_AES_128_GCM] = "AES_128_GCM",
		[RECORD_AES_256_GCM] = "AES_256_GCM",
		[RECORD_CHACHA20_POLY1305] = "CHACHA20_POLY1305",
	};

	return (unsigned)suite < RECORD_SUITE_N ? names[suite] : "";
}

static json_t *text_json(const struct card *card, struct card_text text)
{
	struct view v = card_view(card, text);

	return json_stringn((const char *)v.at, v.len);
}

static json_t *fingerprint_json(const struct card *card)
{
	char hex[2 * CARD_FINGERPRINT_BYTES + 1];

	for (unsigned i = 0; i < CARD_FINGERPRINT_BYTES; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", card->fingerprint[i]);
	return json_string(hex);
}

// Under which EKU policies its certificate would not pass, and as what.
static json_t *eku_failures_json(const struct card *card)
{
	const struct tls_eku_report report = tls_eku_report(card->usages);
	json_t *failures = json_array();

	for (int policy = 0; policy < TLS_EKU_N; policy++) {
		for (int peer = 0; peer < TLS_PEER_N; peer++) {
			if (report.permits[policy][peer])
				continue;
			json_array_append_new(failures,
				json_pack("{s:s, s:s}", "policy",
					tls_eku_name((enum tls_eku)policy), "as",
					peer == TLS_PEER_CLIENT ? "client" : "server"));
		}
	}
	return failures;
}

static json_t *eku_json(const struct card *card)
{
	return json_pack("{s:b, s:b, s:o, s:s}", "server_auth",
		(card->usages & CARD_USAGE_SERVER) != 0, "client_auth",
		(card->usages & CARD_USAGE_CLIENT) != 0, "fails", eku_failures_json(card),
		"warning", tls_eku_warning(card->usages));
}

json_t *card_json(const struct card *card)
{
	json_t *names = json_array();

	if (card == NULL) {
		json_decref(names);
		return json_null();
	}
	for (unsigned i = 0; i < card->n_names; i++)
		json_array_append_new(names,
			json_pack("{s:o, s:s}", "domain", text_json(card, card->names[i]), "proof",
				proof_name(card->proofs[i])));
	return json_pack("{s:o, s:i, s:o, s:o, s:o, s:o, s:b, s:o}", "names", names, "left_out",
		(int)card->n_left_out, "subject", text_json(card, card->subject), "issuer",
		text_json(card, card->issuer), "serial", text_json(card, card->serial),
		"fingerprint", fingerprint_json(card), "trusted", (int)card->trusted, "eku",
		eku_json(card));
}

static void add(void *arg, const struct session_row *row)
{
	const struct list *list = arg;
	const struct dataplane_status *status = list->status;
	bool known = status->attached && row->listener < status->n_listeners;
	char remote[ENDPOINT_TEXT_BYTES], conn[TEXT_HEX64_BYTES + 1];
	json_t *json;

	endpoint_format(&row->remote, remote);
	snprintf(conn, sizeof(conn), "%016llx", (unsigned long long)row->conn);
	json = json_pack("{s:i, s:s, s:s, s:s, s:s, s:i, s:s, s:b, s:s, s:s, s:I, s:I, s:I, s:o}",
		"worker", (int)row->worker, "connection", conn, "remote", remote, "role",
		row->role == RECORD_ACCEPTED ? "accepted" : "opened", "state", row->state,
		"listener", (int)row->listener, "listener_name",
		known ? status->listeners[row->listener].name : "", "established",
		(int)row->is_established, "version", version_name(row->version), "suite",
		suite_name(row->suite), "age_ms", (json_int_t)row->age_ms, "received",
		(json_int_t)row->n_received, "sent", (json_int_t)row->n_sent, "identity",
		card_json(row->card));
	json_array_append_new(list->rows, json);
}

static void reply(void *arg)
{
	struct request *r = arg;
	const struct sessions *sessions = session_server_sessions(r->control->sessions);
	const struct sessions_counts counts = sessions_counts(sessions);
	struct dataplane_status status;
	struct list list = {json_array(), &status};

	dataplane_status(publisher_dataplane(r->control->publisher), &status);
	sessions_each(sessions, uv_hrtime(), add, &list);
	request_reply(r,
		json_pack("{s:b, s:b, s:o, s:i, s:I, s:I, s:I, s:I, s:I, s:I}", "attached",
			(int)status.attached, "complete", (int)sessions_are_known(sessions),
			"sessions", list.rows, "handshakes", (int)counts.n_handshakes, "opened",
			(json_int_t)counts.n_opened, "refused", (json_int_t)counts.n_refused,
			"failed", (json_int_t)counts.n_failed, "done", (json_int_t)counts.n_done,
			"ended", (json_int_t)counts.n_ended, "bad", (json_int_t)counts.n_bad));
}

// The workers are asked for the counts of messages first.
void sessions_command(struct request *r)
{
	session_server_refresh(r->control->sessions, reply, r);
}
