package event

// A Row is one word of the three sets: the key of its attribute, the word, the
// emoji that stands for it on a terminal, which is two columns wide everywhere,
// and what it means.
type Row struct{ Key, Word, Emoji, Meaning string }

// Table is all words, by key.
func Table() []Row {
	return []Row{
		{DomainKey, string(Settings), "🔧", "flags, environment and settings files"},
		{DomainKey, string(Python), "🐍", "the virtual environment of a Python program"},
		{DomainKey, string(Host), "🏠", "the program that starts the plugin"},
		{DomainKey, string(Plugin), "🧩", "the program that a host starts"},
		{DomainKey, string(Child), "🐣", "the program behind the bridge; any process as such"},
		{DomainKey, string(Handshake), "🤝", "environment, handshake line and version"},
		{DomainKey, string(TLS), "🔒", "certificates, and TLS's own handshakes"},
		{DomainKey, string(Socket), "🔌", "what is listened at, and its files"},
		{DomainKey, string(Connection), "🔗", "a connection of host, plugin or child"},
		{DomainKey, string(Stream), "🌊", "one call's part of a connection"},
		{DomainKey, string(Call), "🎯", "a gRPC call"},
		{DomainKey, string(Stdio), "📜", "the service that carries a plugin's output"},
		{DomainKey, string(Broker), "📞", "the service that offers further connections"},

		{ActionKey, string(Read), "📖", "reading what somebody else has written"},
		{ActionKey, string(Find), "🔍", "finding where something is"},
		{ActionKey, string(Choose), "👉", "choosing one of several possibilities"},
		{ActionKey, string(Load), "📦", "loading a certificate and its key"},
		{ActionKey, string(Make), "🔨", "making something that was not there"},
		{ActionKey, string(Start), "🎬", "starting a process"},
		{ActionKey, string(Guard), "🐕", "guarding a process against being left behind"},
		{ActionKey, string(Listen), "📡", "listening for connections"},
		{ActionKey, string(Accept), "🚪", "accepting a connection"},
		{ActionKey, string(Connect), "📲", "connecting to somebody who listens"},
		{ActionKey, string(Attach), "📎", "attaching to a plugin that runs already"},
		{ActionKey, string(Send), "📤", "sending bytes"},
		{ActionKey, string(Relay), "🔀", "passing on what comes, from one side to the other"},
		{ActionKey, string(Run), "🏃", "the run of a process, from its start to its end"},
		{ActionKey, string(Stop), "🛑", "stopping a process, or what it still does"},
		{ActionKey, string(End), "🏁", "an end by itself, or by the other side"},
		{ActionKey, string(Clean), "🧹", "cleaning up what is left"},

		{ResultKey, string(ResultOK), "✅", "done"},
		{ResultKey, string(ResultFailed), "❌", "not done; the attribute `error` says why"},
		{ResultKey, string(ResultRetry), "🔁", "tried once more"},
		{ResultKey, string(ResultSkipped), "⏩", "left out"},
		{ResultKey, string(ResultTimeout), "⏰", "took too long, and is given up"},
		{ResultKey, string(ResultWait), "⏳", "held up for now"},
	}
}

const (
	// Unknown stands for a word that is in no set, or missing.
	Unknown = "🔹"
	// Said leads what a program has said itself: a record without any of the three.
	Said = "💬"
)

// pictures is the table as a map: key and word, to emoji.
func pictures() map[[2]string]string {
	rows := Table()
	found := make(map[[2]string]string, len(rows))
	for _, row := range rows {
		found[[2]string{row.Key, row.Word}] = row.Emoji
	}
	return found
}
