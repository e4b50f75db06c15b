// SPDX-License-Identifier: BSD-3-Clause
// What a PEM file of certificates says, and which checks of a partner's it would pass.

#include "control/api/errors_json.h"
#include "control/cli/cert.h"
#include "control/cli/print.h"
#include "control/tls/eku.h"
#include "control/tls/identity.h"
#include "control/tls/pem.h"
#include "control/tls/verify.h"

#include <getopt.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_S          86400
#define KEY_TEXT_BYTES 32

// One certificate of the file.
struct shown {
	X509 *certificate;
	struct card card;
	enum tls_refusal unnamed;
	int64_t from_s, until_s;
	char key[KEY_TEXT_BYTES];
	char fingerprint[3 * CARD_FINGERPRINT_BYTES];
};

static const char *proof_text(uint8_t proof)
{
	switch (proof) {
	case CARD_SAN_URI:
		return "URI sip:";
	case CARD_SAN_DNS:
		return "dNSName";
	case CARD_CN:
		return "common name";
	default:
		return "?";
	}
}

static void look_at(X509 *certificate, struct shown *s)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	size_t n = 0;

	s->certificate = certificate;
	s->unnamed = tls_identity_card(certificate, TLS_CN_WITHOUT_SAN, NULL, &s->card);
	s->from_s = tls_time_s(X509_get0_notBefore(certificate));
	s->until_s = tls_time_s(X509_get0_notAfter(certificate));
	snprintf(s->key, sizeof(s->key), "%s, %d bits",
		key != NULL ? EVP_PKEY_get0_type_name(key) : "?",
		key != NULL ? EVP_PKEY_get_bits(key) : 0);
	for (size_t i = 0; i < CARD_FINGERPRINT_BYTES; i++)
		n += (size_t)snprintf(s->fingerprint + n, sizeof(s->fingerprint) - n, "%s%02X",
			i > 0 ? ":" : "", s->card.fingerprint[i]);
}

static const char *validity(const struct shown *s, int64_t now_s)
{
	if (now_s < s->from_s)
		return "not yet valid";
	return now_s > s->until_s ? "expired" : "valid";
}

static bool is_issuer(const struct shown *s)
{
	return X509_check_ca(s->certificate) != 0;
}

static void print_text(const char *label, const struct card *card, struct card_text text)
{
	struct view v = card_view(card, text);

	printf("  %-12s %.*s\n", label, (int)v.len, (const char *)v.at);
}

static void print_names(const struct shown *s)
{
	const char *label = "names";

	for (unsigned i = 0; i < s->card.n_names; i++) {
		struct view name = card_view(&s->card, s->card.names[i]);

		printf("  %-12s %.*s (%s%s)\n", label, (int)name.len, (const char *)name.at,
			proof_text(s->card.proofs[i]),
			card_name_is_domain(&s->card, i) ? "" : ": a host only");
		label = "";
	}
	if (s->card.n_names == 0)
		printf("  %-12s none: %s\n", label, tls_refusal_text(s->unnamed));
}

static void print_one(const struct shown *s, int64_t now_s)
{
	long days = (long)((s->until_s - now_s) / DAY_S);

	print_text("subject", &s->card, s->card.subject);
	print_text("issuer", &s->card, s->card.issuer);
	print_text("serial", &s->card, s->card.serial);
	printf("  %-12s %s to ", "validity", cell_time(s->from_s).text);
	printf("%s: %s", cell_time(s->until_s).text, validity(s, now_s));
	if (now_s >= s->from_s && now_s <= s->until_s)
		printf(", %ld %s left", days, days == 1 ? "day" : "days");
	printf("\n  %-12s %s\n", "key", s->key);
	printf("  %-12s %s\n", "SHA-256", s->fingerprint);
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

// Under each policy of a partner's, as the two roles of ours.
static void print_eku(const STACK_OF(X509) * chain)
{
	struct tls_eku_report report = tls_eku_report(tls_eku_usages(chain));
	struct table *table = table_new("a partner's EKU policy|as its client|as its server");

	for (int policy = 0; policy < TLS_EKU_N && table != NULL; policy++) {
		const char *cells[] = {
			tls_eku_name((enum tls_eku)policy),
			yes_no(report.permits[policy][TLS_PEER_CLIENT]),
			yes_no(report.permits[policy][TLS_PEER_SERVER]),
		};

		table_add(table, cells);
	}
	puts("");
	if (table != NULL)
		table_print(table);
	if (!report.permits[TLS_EKU_STRICT][TLS_PEER_CLIENT])
		puts("Partners that demand clientAuth will refuse our outgoing connections.");
}

// What the certificate says of one domain.
static enum tls_refusal judge_domain(const struct shown *s, const char *name)
{
	struct domain domain;
	enum card_proof proof;

	if (domain_canonical(view_string(name), &domain) < 0)
		return TLS_REFUSAL_wrong_name;
	return tls_identity_proves(
		s->certificate, TLS_CN_WITHOUT_SAN, TLS_MATCH_DOMAIN, &domain, &proof);
}

static json_t *names_json(const struct shown *s)
{
	json_t *names = json_array();

	for (unsigned i = 0; i < s->card.n_names; i++) {
		struct view name = card_view(&s->card, s->card.names[i]);

		json_array_append_new(names,
			json_pack("{s:s%, s:s}", "name", (const char *)name.at, name.len, "proof",
				proof_text(s->card.proofs[i])));
	}
	return names;
}

static json_t *text_json(const struct card *card, struct card_text text)
{
	struct view v = card_view(card, text);

	return json_stringn((const char *)v.at, v.len);
}

static json_t *one_json(const struct shown *s, int64_t now_s)
{
	return json_pack("{s:o, s:o, s:o, s:I, s:I, s:s, s:s, s:s, s:b, s:o}", "subject",
		text_json(&s->card, s->card.subject), "issuer", text_json(&s->card, s->card.issuer),
		"serial", text_json(&s->card, s->card.serial), "from", (json_int_t)s->from_s,
		"until", (json_int_t)s->until_s, "validity", validity(s, now_s), "key", s->key,
		"sha256", s->fingerprint, "ca", is_issuer(s), "names", names_json(s));
}

static json_t *eku_json(const STACK_OF(X509) * chain)
{
	struct tls_eku_report report = tls_eku_report(tls_eku_usages(chain));
	json_t *all = json_object();

	for (int policy = 0; policy < TLS_EKU_N; policy++)
		json_object_set_new(all, tls_eku_name((enum tls_eku)policy),
			json_pack("{s:b, s:b}", "client", report.permits[policy][TLS_PEER_CLIENT],
				"server", report.permits[policy][TLS_PEER_SERVER]));
	return all;
}

static int show_json(STACK_OF(X509) * chain, const char *domain, int64_t now_s)
{
	json_t *certificates = json_array(), *reply;
	enum tls_refusal refusal = TLS_REFUSAL_none;
	struct shown s;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		look_at(sk_X509_value(chain, i), &s);
		json_array_append_new(certificates, one_json(&s, now_s));
		if (i == 0 && domain != NULL)
			refusal = judge_domain(&s, domain);
	}
	reply = json_pack("{s:b, s:o, s:o}", "ok", refusal == TLS_REFUSAL_none, "certificates",
		certificates, "eku", eku_json(chain));
	if (domain != NULL)
		json_object_set_new(reply, "domain",
			json_pack("{s:s, s:s}", "name", domain, "refusal",
				tls_refusal_name(refusal)));
	print_json(reply);
	return refusal == TLS_REFUSAL_none ? FEDCTL_OK : FEDCTL_FAILED;
}

static int show_text(STACK_OF(X509) * chain, const char *domain, int64_t now_s)
{
	enum tls_refusal refusal = TLS_REFUSAL_none;
	struct shown s;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		look_at(sk_X509_value(chain, i), &s);
		printf("%s%s\n", i > 0 ? "\n" : "",
			i == 0                  ? "certificate"
				: is_issuer(&s) ? "issuer"
						: "further certificate");
		print_one(&s, now_s);
		if (i == 0)
			print_names(&s);
		if (i == 0 && domain != NULL)
			refusal = judge_domain(&s, domain);
	}
	print_eku(chain);
	if (domain != NULL && refusal == TLS_REFUSAL_none)
		printf("\nIt proves %s (RFC 5922).\n", domain);
	else if (domain != NULL)
		printf("\nIt does not prove %s: %s; %s.\n", domain, tls_refusal_text(refusal),
			tls_refusal_diagnosis(refusal));
	return refusal == TLS_REFUSAL_none ? FEDCTL_OK : FEDCTL_FAILED;
}

int cert_show_run(const struct fedctl *f, int argc, char *argv[])
{
	static const struct option rows[] = {{"domain", required_argument, NULL, 'd'}, {0}};
	const char *domain = NULL;
	STACK_OF(X509) * chain;
	struct tls_pem pem = {0};
	struct errors errors;
	int option, result;

	while ((option = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		if (option != 'd')
			return usage_error("cert show takes --domain only");
		domain = optarg;
	}
	if (optind + 1 != argc)
		return usage_error("cert show needs the name of one PEM file");
	pem.path = argv[optind];
	errors_init(&errors, pem.path);
	chain = tls_pem_certificates(&pem, &errors);
	if (chain != NULL) {
		result = (f->json ? show_json : show_text)(chain, domain, (int64_t)time(NULL));
		sk_X509_pop_free(chain, X509_free);
		return result;
	}
	if (f->json)
		print_json(json_pack("{s:b, s:o}", "ok", 0, "errors", errors_json(&errors)));
	else
		print_errors(&errors);
	return FEDCTL_FAILED;
}
