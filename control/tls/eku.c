// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/eku.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

const char *tls_eku_name(enum tls_eku policy)
{
	static const char *const names[TLS_EKU_N] = {
		[TLS_EKU_SERVER] = "require server",
		[TLS_EKU_IGNORE] = "ignore",
		[TLS_EKU_STRICT] = "strict",
	};

	return (unsigned)policy < TLS_EKU_N ? names[policy] : "unknown";
}

// id-kp-sipDomain (RFC 5924 §3); OpenSSL has no number for it.
static bool is_sip_domain(const ASN1_OBJECT *usage)
{
	static const unsigned char oid[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x14};

	return OBJ_length(usage) == sizeof(oid) &&
		memcmp(OBJ_get0_data(usage), oid, sizeof(oid)) == 0;
}

// What the extension lists.
static unsigned permitted(X509 *certificate)
{
	EXTENDED_KEY_USAGE *usages;
	unsigned bits = 0;
	int critical;

	usages = X509_get_ext_d2i(certificate, NID_ext_key_usage, &critical, NULL);
	// -1: it has none. Otherwise it is there, but twice or unreadable: nothing is permitted.
	if (usages == NULL)
		return critical == -1 ? CARD_USAGES_ALL : 0;
	for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
		const ASN1_OBJECT *usage = sk_ASN1_OBJECT_value(usages, i);
		int nid = OBJ_obj2nid(usage);

		if (nid == NID_server_auth)
			bits |= CARD_USAGE_SERVER;
		else if (nid == NID_client_auth)
			bits |= CARD_USAGE_CLIENT;
		else if (nid == NID_anyExtendedKeyUsage || is_sip_domain(usage))
			bits |= CARD_USAGES_ALL;
	}
	sk_ASN1_OBJECT_pop_free(usages, ASN1_OBJECT_free);
	return bits;
}

static bool satisfies(unsigned bits, enum tls_eku policy, enum tls_peer peer)
{
	if (policy == TLS_EKU_IGNORE)
		return true;
	if (policy == TLS_EKU_STRICT && peer == TLS_PEER_CLIENT)
		return (bits & CARD_USAGE_CLIENT) != 0;
	return (bits & CARD_USAGE_SERVER) != 0;
}

bool tls_eku_permits(X509 *certificate, enum tls_eku policy, enum tls_peer peer)
{
	return satisfies(permitted(certificate), policy, peer);
}

unsigned tls_eku_usages(const STACK_OF(X509) * chain)
{
	unsigned bits = CARD_USAGES_ALL;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *certificate = sk_X509_value(chain, i);

		// A root is trusted for what its list says, not for what it says of itself.
		if (i == 0 || !(X509_get_extension_flags(certificate) & EXFLAG_SS))
			bits &= permitted(certificate);
	}
	return bits;
}

const char *tls_eku_warning(unsigned usages)
{
	static const char *const texts[CARD_USAGES_ALL + 1] = {
		[0] = "neither serverAuth nor clientAuth: `require server` and `strict` refuse it",
		[CARD_USAGE_SERVER] = "no clientAuth: `strict` refuses it as a client",
		[CARD_USAGE_CLIENT] = "no serverAuth: `require server` refuses it",
		[CARD_USAGES_ALL] = "",
	};

	return texts[usages & CARD_USAGES_ALL];
}

struct tls_eku_report tls_eku_report(unsigned usages)
{
	struct tls_eku_report report;

	for (int policy = 0; policy < TLS_EKU_N; policy++) {
		for (int peer = 0; peer < TLS_PEER_N; peer++)
			report.permits[policy][peer] =
				satisfies(usages, (enum tls_eku)policy, (enum tls_peer)peer);
	}
	return report;
}
