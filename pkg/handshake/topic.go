package handshake

import (
	_ "embed"
	"slices"
	"strings"
)

// topicText holds all topics: "## GROUP", then of each "# NAME, ALIAS, …", pieces
// of messages after "> ", its title and its text.
//
//go:embed topics.txt
var topicText string

// minPiece is the shortest piece of a message that finds a topic by itself.
const minPiece = 6

// Topic is a short text about one thing of the handshake.
type Topic struct {
	// Group is the heading that it belongs under: "Fields", "Variables" or
	// "Errors".
	Group string
	// Name is how it is asked for; Aliases are other names, among them the
	// [Reason]s that it is about.
	Name    string
	Aliases []string
	// Says are pieces of what hosts and plugins say about it.
	Says []string
	// Title is one sentence, Text up to fifteen lines of at most 80 characters.
	Title, Text string
}

// Topics returns all of them, in the order of a table of contents.
func Topics() []Topic {
	var topics []Topic
	group := ""
	for block := range strings.SplitSeq("\n"+topicText, "\n# ") {
		head, body, _ := strings.Cut(block, "\n")
		next := ""
		if before, after, found := strings.Cut(block, "\n## "); found {
			next = strings.TrimSpace(after)
			_, body, _ = strings.Cut(before, "\n")
		}
		if group != "" {
			topics = append(topics, newTopic(group, head, body))
		}
		if next != "" {
			group = next
		}
	}
	return topics
}

func newTopic(group, head, body string) Topic {
	names := strings.Split(head, ", ")
	t := Topic{Group: group, Name: names[0], Aliases: names[1:]}
	for strings.HasPrefix(body, "> ") {
		var piece string
		piece, body, _ = strings.Cut(body, "\n")
		t.Says = append(t.Says, strings.TrimPrefix(piece, "> "))
	}
	t.Title, t.Text, _ = strings.Cut(strings.TrimSpace(body), "\n")
	t.Text = strings.TrimSpace(t.Text)
	return t
}

// FindTopic finds the topic that has the query as its name or an alias, or is
// about a message of which the query is a part, or has a part. Case says
// nothing.
func FindTopic(query string) (Topic, bool) {
	query = strings.ToLower(strings.Join(strings.Fields(query), " "))
	topics := Topics()
	for _, t := range topics {
		if slices.ContainsFunc(append(t.Aliases, t.Name), func(name string) bool { return strings.EqualFold(name, query) }) {
			return t, true
		}
	}
	var found Topic
	longest := 0
	for _, t := range topics {
		for _, says := range t.Says {
			piece := strings.ToLower(says)
			switch {
			case strings.Contains(query, piece) && len(piece) > longest:
				found, longest = t, len(piece)
			case longest == 0 && len(query) >= minPiece && strings.Contains(piece, query):
				found, longest = t, 1
			}
		}
	}
	return found, longest > 0
}
