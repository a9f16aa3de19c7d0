package series

import (
	"errors"
	"fmt"

	remoteapi "github.com/prometheus/client_golang/exp/api/remote"
)

// The body of a KindWrite entry: "TMRW", version, protocol, and the request's
// body as it came, compressed by snappy.
const (
	writeMagic   = "TMRW"
	writeVersion = 1
	writeHeader  = len(writeMagic) + 2

	protocol1 = 1 // prometheus.WriteRequest
	protocol2 = 2 // io.prometheus.write.v2.Request
)

// messages are what remote write may send, by protocol.
var messages = map[byte]remoteapi.WriteMessageType{
	protocol1: remoteapi.WriteV1MessageType,
	protocol2: remoteapi.WriteV2MessageType,
}

func protocolOf(message remoteapi.WriteMessageType) byte {
	if message == remoteapi.WriteV2MessageType {
		return protocol2
	}
	return protocol1
}

func contentType(protocol byte) string {
	return "application/x-protobuf;proto=" + string(messages[protocol])
}

// frameWrite makes the body of an entry.
func frameWrite(protocol byte, compressed []byte) []byte {
	b := make([]byte, 0, writeHeader+len(compressed))
	b = append(b, writeMagic...)
	b = append(b, writeVersion, protocol)
	return append(b, compressed...)
}

// openWrite reads what frameWrite made; the result shares its memory.
func openWrite(body []byte) (protocol byte, compressed []byte, err error) {
	if len(body) < writeHeader || string(body[:len(writeMagic)]) != writeMagic {
		return 0, nil, errors.New(`a remote write entry that does not begin with "TMRW"`)
	}
	if v := body[len(writeMagic)]; v != writeVersion {
		return 0, nil, fmt.Errorf("a remote write entry of version %d; this program reads version %d: upgrade it first", v, writeVersion)
	}
	protocol = body[writeHeader-1]
	if messages[protocol] == "" {
		return 0, nil, fmt.Errorf("a remote write entry of protocol %d, want 1 or 2", protocol)
	}
	return protocol, body[writeHeader:], nil
}
