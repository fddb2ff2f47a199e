package cmd

import (
	"slices"
	"strings"
)

// The forms of pyvider-rpcplugin's values.
const (
	formText         = "text"
	formTruth        = "true or false"
	formSeconds      = "seconds"
	formMilliseconds = "milliseconds"
	formCount        = "whole number"
	formNumber       = "number"
	formVersions     = "whole numbers"
	formTransports   = "networks"
	formLevel        = "log level"
	formPEM          = "PEM or file"
)

// pyviderName is a setting of pyvider-rpcplugin, and what it is here.
type pyviderName struct {
	name           string
	form           string
	serve, connect string // the settings that it has a part in; "" for none
	host           bool   // a host sends it: it is no setting in the environment that a host has made
	note           string // how it converts, or why it has no effect
}

// unread is the note of names that pyvider-rpcplugin itself does not use.
const unread = "no effect; pyvider-rpcplugin does not read it either"

// pyviderTable lists the settings of pyvider-rpcplugin.
func pyviderTable() []pyviderName {
	return []pyviderName{
		{name: "PLUGIN_CORE_VERSION", form: formCount, note: "always 1"},
		{name: "PLUGIN_PROTOCOL_VERSIONS", form: formVersions, serve: "app-version", connect: "app-version", host: true, note: "for `serve` only in a file: in the environment it is what the host sent"},
		{name: "PLUGIN_PROTOCOL_VERSION", form: formCount, note: unread},
		{name: "SUPPORTED_PROTOCOL_VERSIONS", form: formVersions, note: "no effect; every version can be served"},
		{name: "PLUGIN_MAGIC_COOKIE_KEY", form: formText, serve: "cookie", connect: "cookie", note: "with the value; `PLUGIN_MAGIC_COOKIE` unless it is set"},
		{name: "PLUGIN_MAGIC_COOKIE_VALUE", form: formText, serve: "cookie", connect: "cookie", note: "with the key; `test_cookie_value` unless it is set"},
		{name: "PLUGIN_LOG_LEVEL", form: formLevel, serve: "log-level", connect: "log-level", note: "`WARNING` is `warn`, `CRITICAL` is `error`, `NOTSET` is `trace`"},
		{name: "PLUGIN_HANDSHAKE_TIMEOUT", form: formSeconds, connect: "start-timeout"},
		{name: "PLUGIN_CONNECTION_TIMEOUT", form: formSeconds, note: unread},
		{name: "PLUGIN_CHANNEL_READY_TIMEOUT", form: formSeconds, note: "no effect; a plugin is ready when its handshake line is there, and --timeout bounds all"},
		{name: "PLUGIN_SERVER_READY_TIMEOUT", form: formSeconds, serve: "listen-timeout"},
		{name: "PLUGIN_SERVER_TRANSPORTS", form: formTransports, serve: "transport", note: "both are `auto`"},
		{name: "PLUGIN_CLIENT_TRANSPORTS", form: formTransports, connect: "transport", note: "both are `auto`"},
		{name: "PLUGIN_SUPPORTED_TRANSPORTS", form: formTransports, note: unread},
		{name: "PLUGIN_TRANSPORT_BUFFER_SIZE", form: formCount, note: unread},
		{name: "PLUGIN_BUFFER_SIZE", form: formCount, note: "no effect; buffers grow as they must"},
		{name: "PLUGIN_CHUNK_SIZE", form: formCount, note: "no effect; buffers grow as they must"},
		{name: "PLUGIN_AUTO_MTLS", form: formTruth, serve: "tls", connect: "tls", note: "`false` is `off`, but with certificates `files`"},
		{name: "PLUGIN_INSECURE", form: formTruth, serve: "tls", connect: "tls", note: "`true` is `off`; of `serve` only without certificates"},
		{name: "PLUGIN_SERVER_CERT", form: formPEM, serve: "cert", note: "with the key; the host then has to know it, as with --tls files"},
		{name: "PLUGIN_SERVER_KEY", form: formPEM, serve: "key", note: "with the certificate"},
		{name: "PLUGIN_CLIENT_ROOT_CERTS", form: formPEM, serve: "client-ca", note: "with `PLUGIN_SERVER_CERT`; AutoMTLS trusts the host's certificate alone"},
		{name: "PLUGIN_CLIENT_CERT", form: formPEM, connect: "cert", host: true, note: "with its key and an authority; AutoMTLS makes its own"},
		{name: "PLUGIN_CLIENT_KEY", form: formPEM, connect: "key", note: "with its certificate and an authority"},
		{name: "PLUGIN_CLIENT_CERT_FILE", form: formText, connect: "cert", note: "where `PLUGIN_CLIENT_CERT` is not set"},
		{name: "PLUGIN_CLIENT_KEY_FILE", form: formText, connect: "key", note: "where `PLUGIN_CLIENT_KEY` is not set"},
		{name: "PLUGIN_SERVER_ROOT_CERTS", form: formPEM, connect: "ca", note: "with a client certificate or `PLUGIN_AUTO_MTLS` off: --tls files"},
		{name: "PLUGIN_CA_CERT", form: formPEM, connect: "ca", note: "where `PLUGIN_SERVER_ROOT_CERTS` is not set"},
		{name: "PLUGIN_MTLS_CERT_DIR", form: formText, note: "no effect; certificates of AutoMTLS are for one use and never in a file"},
		{name: "PLUGIN_CERT_VALIDITY_DAYS", form: formCount, note: "no effect; certificates of AutoMTLS are for one use"},
		{name: "PLUGIN_GRPC_KEEPALIVE_TIME_MS", form: formMilliseconds, note: "no effect; the end of a process is seen at once"},
		{name: "PLUGIN_GRPC_KEEPALIVE_TIMEOUT_MS", form: formMilliseconds, note: "no effect; the end of a process is seen at once"},
		{name: "PLUGIN_GRPC_GRACE_PERIOD", form: formSeconds, serve: "grace"},
		{name: "PLUGIN_GRPC_MAX_RECEIVE_MESSAGE_SIZE", form: formCount, note: "no effect; messages may have 2 GiB"},
		{name: "PLUGIN_GRPC_MAX_SEND_MESSAGE_SIZE", form: formCount, note: "no effect; messages may have 2 GiB"},
		{name: "PLUGIN_CLIENT_RETRY_ENABLED", form: formTruth, connect: "retries", note: "`false` is 0; `true` alone is 3"},
		{name: "PLUGIN_CLIENT_MAX_RETRIES", form: formCount, connect: "retries"},
		{name: "PLUGIN_CLIENT_INITIAL_BACKOFF_MS", form: formMilliseconds, connect: "retry-delay"},
		{name: "PLUGIN_CLIENT_RETRY_DELAY", form: formSeconds, note: unread},
		{name: "PLUGIN_CLIENT_BACKOFF_MULTIPLIER", form: formNumber, note: unread + "; here pauses double"},
		{name: "PLUGIN_CLIENT_MAX_RETRY_DELAY", form: formSeconds, note: unread + "; here pauses grow up to 5s"},
		{name: "PLUGIN_CLIENT_MAX_BACKOFF_MS", form: formMilliseconds, note: unread + "; here pauses grow up to 5s"},
		{name: "PLUGIN_CLIENT_RETRY_JITTER_MS", form: formMilliseconds, note: unread},
		{name: "PLUGIN_CLIENT_RETRY_TOTAL_TIMEOUT_S", form: formSeconds, note: "no effect; --timeout bounds all"},
		{name: "PLUGIN_SERVER_HOST", form: formText, serve: "listen", note: "where `PLUGIN_SERVER_TRANSPORTS` is `tcp`; `localhost` unless it is set"},
		{name: "PLUGIN_SERVER_PORT", form: formCount, serve: "listen", note: "where `PLUGIN_SERVER_TRANSPORTS` is `tcp`; 0 is any"},
		{name: "PLUGIN_SERVER_UNIX_SOCKET_PATH", form: formText, serve: "listen", note: "unless `PLUGIN_SERVER_TRANSPORTS` is `tcp`"},
		{name: "PLUGIN_SHUTDOWN_FILE_PATH", form: formText, serve: "shutdown-file"},
		{name: "PLUGIN_IGNORE_SIGINT", form: formTruth, note: "always so under a host; by hand Ctrl-C stops"},
		{name: "PLUGIN_RATE_LIMIT_ENABLED", form: formTruth, serve: "rate-limit", note: "`true` without a rate is 100"},
		{name: "PLUGIN_RATE_LIMIT_REQUESTS_PER_SECOND", form: formNumber, serve: "rate-limit", note: "where it is enabled"},
		{name: "PLUGIN_RATE_LIMIT_BURST_CAPACITY", form: formCount, serve: "rate-burst", note: "where it is enabled"},
		{name: "PLUGIN_HEALTH_SERVICE_ENABLED", form: formTruth, note: "always on"},
		{name: "PLUGIN_UI_ENABLED", form: formTruth, note: unread},
		{name: "PLUGIN_SHOW_EMOJI_MATRIX", form: formTruth, note: unread},
	}
}

// pyviderNames are all of them.
func pyviderNames() []string {
	var names []string
	for _, row := range pyviderTable() {
		names = append(names, row.name)
	}
	return names
}

// isPyviderName reports whether a key can only be meant as one of these.
func isPyviderName(key string) bool {
	return strings.HasPrefix(key, "PLUGIN_") || strings.HasPrefix(key, "SUPPORTED_")
}

// setting is what a name stands for in a command, "" for nothing.
func (n pyviderName) setting(command string) string {
	switch command {
	case "serve":
		return n.serve
	case "connect":
		return n.connect
	default:
		return ""
	}
}

// pyviderForPlugins are the entries of an environment that are settings of a
// plugin: who starts one hands them on, as pyvider-rpcplugin does.
func pyviderForPlugins(environ []string) []string {
	var names, kept []string
	for _, row := range pyviderTable() {
		if row.serve != "" && !row.host {
			names = append(names, row.name)
		}
	}
	for _, entry := range environ {
		if name, value, _ := strings.Cut(entry, "="); value != "" && slices.Contains(names, name) {
			kept = append(kept, entry)
		}
	}
	return kept
}

// effect says what a name does here.
func (n pyviderName) effect() string {
	var parts []string
	if n.serve != "" {
		parts = append(parts, "`"+n.serve+"` of `serve`")
	}
	if n.connect != "" {
		parts = append(parts, "`"+n.connect+"` of `connect`")
	}
	text := strings.Join(parts, ", ")
	if n.note != "" && text != "" {
		text += "; "
	}
	return text + n.note
}
