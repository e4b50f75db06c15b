// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/document_keys.h"

#include "control/policy/document.h"

// FEATURES P12.
#define BODY_MIN (1000u * 1024)
#define BODY_MAX (20000u * 1024)

#define COMMENT                                                                        \
	{                                                                              \
		.name = "comment", .id = KEY_COMMENT, .type = SCHEMA_TEXT, .max = 1000 \
	}
#define SOURCES                                                                                   \
	{                                                                                         \
		.name = "sources", .id = KEY_SOURCE, .type = SCHEMA_TEXT, .list = true, .min = 1, \
		.max = 64, .n_max = DOCUMENT_SOURCES_MAX,                                         \
		.what = "an address or prefix such as 192.0.2.0/24"                               \
	}
#define HOPS(key, is_required)                                                               \
	{                                                                                    \
		.name = (key), .id = KEY_HOP, .type = SCHEMA_TEXT, .list = true,             \
		.required = (is_required), .min = 1, .max = 270, .n_max = DOCUMENT_HOPS_MAX, \
		.what = "udp:ADDRESS:PORT, tcp:ADDRESS:PORT (without :PORT 5060), "          \
			"tls:ADDRESS:PORT or tls:NAME:PORT (without 5061), an IPv6 "         \
			"address in brackets"                                                \
	}
// FEATURES T2.
#define IDENTITY                                                                                  \
	{                                                                                         \
		.name = "identity",                                                               \
		.id = KEY_IDENTITY,                                                               \
		.type = SCHEMA_WORD,                                                              \
		.words = identity_words,                                                          \
	},                                                                                        \
		{                                                                                 \
			.name = "hosts",                                                          \
			.id = KEY_HOST,                                                           \
			.type = SCHEMA_TEXT,                                                      \
			.list = true,                                                             \
			.min = 1,                                                                 \
			.max = 256,                                                               \
			.n_max = IMAGE_IDENTITIES_MAX,                                            \
			.what = "the name of a host",                                             \
		},                                                                                \
	{                                                                                         \
		.name = "fingerprints", .id = KEY_FINGERPRINT, .type = SCHEMA_TEXT, .list = true, \
		.min = 1, .max = 128, .n_max = IMAGE_IDENTITIES_MAX,                              \
		.what = "the SHA-256 of a certificate: 64 hexadecimal digits, colons between "    \
			"them or not",                                                            \
	}
// Control opens them in its own folder.
#define PLAIN_FILE(key, key_id, ...)                                                         \
	{                                                                                    \
		.name = (key), .id = (key_id), .type = SCHEMA_TEXT, .min = 1, .max = 128,    \
		.what = "the name of a file in control's --certificates folder", __VA_ARGS__ \
	}
#define CONNECTIONS                                                                            \
	{                                                                                      \
		.name = "connections", .id = KEY_CONNECTIONS, .type = SCHEMA_NUMBER, .min = 1, \
		.max = IMAGE_CONNECTIONS_MAX, .what = "a number from 1 to 4"                   \
	}
// FEATURES P3: a domain has at most 256 bytes.
#define DOMAIN(...)                                                          \
	{                                                                    \
		.id = KEY_DOMAIN, .type = SCHEMA_TEXT, .min = 1, .max = 256, \
		.what = "a domain name", __VA_ARGS__                         \
	}
#define DOMAIN_SOURCES                                                                            \
	DOMAIN(.name = "domain"),                                                                 \
		{.name = "file",                                                                  \
			.id = KEY_FILE,                                                           \
			.type = SCHEMA_TEXT,                                                      \
			.min = 1,                                                                 \
			.max = 1000,                                                              \
			.what = "the path of a list file"},                                       \
	{                                                                                         \
		.name = "pattern", .id = KEY_PATTERN, .type = SCHEMA_TEXT, .min = 1, .max = 1003, \
		.what = "a wildcard such as *.spam-*.example, or re: and a regular expression"    \
	}

static const char *const identity_words[] = {
	"domain", "host", "fingerprint", NULL}; // enum image_identity
static const char *const verification_words[] = {
	"always", "never", "source", NULL}; // enum image_verification
static const char *const eku_words[] = {"server", "ignore", "strict", NULL}; // enum document_eku
static const char *const revocation_words[] = {
	"known", "required", NULL};                              // enum document_revocation
static const char *const version_words[] = {"1.2", "1.3", NULL}; // enum document_tls_version

static const struct schema_key federation_keys[] = {
	{.name = "enabled", .id = KEY_ENABLED, .type = SCHEMA_BOOL},
	{.name = "sip", .id = KEY_SIP, .type = SCHEMA_BOOL},
	{.name = "stamp_header",
		.id = KEY_STAMP,
		.type = SCHEMA_TEXT,
		.min = 1,
		.max = IMAGE_STAMP_BYTES_MAX,
		.what = "the name of a header field"},
	{0},
};

static const struct schema_key limits_keys[] = {
	{.name = "body",
		.id = KEY_BODY,
		.type = SCHEMA_NUMBER,
		.min = BODY_MIN,
		.max = BODY_MAX,
		.units = schema_bytes,
		.what = "a size from 1000 KB to 20000 KB"},
	{0},
};

static const struct schema_key certificate_keys[] = {
	{.name = "name",
		.id = KEY_NAME,
		.type = SCHEMA_TEXT,
		.required = true,
		.min = 1,
		.max = 64,
		.what = "a name of 1 to 64 bytes"},
	PLAIN_FILE("certificate", KEY_FILE, .required = true),
	PLAIN_FILE("key", KEY_KEY, .required = true),
	COMMENT,
	{0},
};

static const struct schema_key tls_keys[] = {
	PLAIN_FILE("trust", KEY_TRUST, .list = true, .n_max = DOCUMENT_TRUST_MAX),
	PLAIN_FILE("trust_inside", KEY_TRUST_INSIDE, .list = true, .n_max = DOCUMENT_TRUST_MAX),
	PLAIN_FILE("crl", KEY_CRL, .list = true, .n_max = DOCUMENT_TRUST_MAX),
	{.name = "eku", .id = KEY_EKU, .type = SCHEMA_WORD, .words = eku_words},
	{.name = "revocation",
		.id = KEY_REVOCATION,
		.type = SCHEMA_WORD,
		.words = revocation_words},
	{.name = "minimum", .id = KEY_MINIMUM, .type = SCHEMA_WORD, .words = version_words},
	COMMENT,
	{0},
};

static const struct schema_key local_domain_keys[] = {
	DOMAIN(.name = "domain", .required = true),
	DOMAIN(.name = "domains", .list = true),
	HOPS("servers", true),
	SOURCES,
	CONNECTIONS,
	IDENTITY,
	{.name = "certificate",
		.id = KEY_CERTIFICATE,
		.type = SCHEMA_TEXT,
		.min = 1,
		.max = 64,
		.what = "the name of one of the certificates"},
	COMMENT,
	{0},
};

static const struct schema_key partner_keys[] = {
	{.name = "name",
		.id = KEY_NAME,
		.type = SCHEMA_TEXT,
		.required = true,
		.min = 1,
		.max = 64,
		.what = "a name of 1 to 64 bytes"},
	HOPS("next_hops", false),
	{.name = "discover", .id = KEY_DISCOVER, .type = SCHEMA_BOOL},
	SOURCES,
	CONNECTIONS,
	IDENTITY,
	{.name = "verification",
		.id = KEY_VERIFICATION,
		.type = SCHEMA_WORD,
		.words = verification_words},
	COMMENT,
	{0},
};

static const struct schema_key allow_keys[] = {
	DOMAIN_SOURCES,
	{.name = "partner",
		.id = KEY_PARTNER,
		.type = SCHEMA_TEXT,
		.required = true,
		.min = 1,
		.max = 64,
		.what = "the name of one of the partners"},
	COMMENT,
	{0},
};

static const struct schema_key block_keys[] = {
	DOMAIN_SOURCES,
	COMMENT,
	{0},
};

const struct schema_key document_keys[] = {
	{.name = "federation", .id = KEY_FEDERATION, .type = SCHEMA_MAP, .keys = federation_keys},
	{.name = "limits", .id = KEY_LIMITS, .type = SCHEMA_MAP, .keys = limits_keys},
	{.name = "certificates",
		.id = KEY_CERTIFICATES,
		.type = SCHEMA_MAP,
		.list = true,
		.n_max = DOCUMENT_CERTIFICATES_MAX,
		.keys = certificate_keys},
	{.name = "tls", .id = KEY_TLS, .type = SCHEMA_MAP, .keys = tls_keys},
	{.name = "local_domains",
		.id = KEY_LOCAL_DOMAINS,
		.type = SCHEMA_MAP,
		.list = true,
		.required = true,
		.keys = local_domain_keys},
	{.name = "partners",
		.id = KEY_PARTNERS,
		.type = SCHEMA_MAP,
		.list = true,
		.keys = partner_keys},
	{.name = "allow", .id = KEY_ALLOW, .type = SCHEMA_MAP, .list = true, .keys = allow_keys},
	{.name = "block", .id = KEY_BLOCK, .type = SCHEMA_MAP, .list = true, .keys = block_keys},
	{0},
};
