package cmd

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pyvider/rpcplugin/internal/typo"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// explainCommand explains one topic, or lists them.
type explainCommand struct {
	Topic  []string `arg:"" optional:"" help:"A field (its name or number), a variable, a reason, or a part of an error message."`
	Output string   `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// Help is the long help.
func (explainCommand) Help() string {
	return `Without a topic it lists them all.

  rpcplugin handshake explain certificate
  rpcplugin handshake explain "Unrecognized remote plugin message"`
}

// topicInfo is the JSON form of a topic.
type topicInfo struct {
	Group   string   `json:"group"`
	Name    string   `json:"name"`
	Aliases []string `json:"aliases,omitempty"`
	Title   string   `json:"title"`
	Text    string   `json:"text,omitempty"`
}

func describeTopic(t handshake.Topic) topicInfo {
	return topicInfo{Group: t.Group, Name: t.Name, Aliases: t.Aliases, Title: t.Title, Text: t.Text}
}

// Run finds and prints.
func (c *explainCommand) Run(p *Program) error {
	query := strings.TrimSpace(strings.Join(c.Topic, " "))
	if query == "" {
		return c.list(p.Stdout)
	}
	topic, found := findTopic(query)
	if !found && strings.Contains(query, " ") { // a message, to which no name is near
		return usagef("a shorter piece of it may do, rpcplugin handshake explain lists all; rpcplugin handshake run -- PLUGIN looks at the plugin itself",
			"no message with the words %q is known", query)
	}
	if !found {
		return usagef("near it: "+strings.Join(nearTopics(query), ", ")+"; rpcplugin handshake explain lists all",
			"no topic %q, and no message with these words", query)
	}
	if c.Output == "json" {
		return writeJSON(p.Stdout, describeTopic(topic))
	}
	_, err := fmt.Fprintf(p.Stdout, "%s\n\n%s\n", fold(topic.Title, 0), topic.Text)
	return err
}

// findTopic is FindTopic, and knows the cookies of the hosts.
func findTopic(query string) (handshake.Topic, bool) {
	for _, topic := range cookieTopics() {
		if strings.EqualFold(topic.Name, query) || slices.Contains(topic.Aliases, strings.ToLower(query)) {
			return topic, true
		}
	}
	return handshake.FindTopic(query)
}

// cookieTopics are the cookies of the known hosts: each is the topic of cookies
// under its own name.
func cookieTopics() []handshake.Topic {
	var topics []handshake.Topic
	for _, host := range knownHosts() {
		key := host.cookie.Key
		if i := slices.IndexFunc(topics, func(t handshake.Topic) bool { return t.Name == key }); i >= 0 {
			topics[i].Aliases = append(topics[i].Aliases, host.name)
			continue
		}
		topic, _ := handshake.FindTopic("cookie")
		topic.Name, topic.Aliases, topic.Says = key, []string{host.name}, nil
		topic.Title = key + " is the magic cookie of " + cookieOwners(key) + "."
		topic.Text = "Its value is\n" + host.cookie.Value + "\n\n" + topic.Text
		topics = append(topics, topic)
	}
	return topics
}

// topicIndent is where the right column of the list begins.
const topicIndent = 30

// list prints the table of contents.
func (c *explainCommand) list(w io.Writer) error {
	topics := append(handshake.Topics(), cookieTopics()...)
	slices.SortStableFunc(topics, func(a, b handshake.Topic) int {
		groups := []string{"Fields", "Variables", "Errors"}
		return cmp.Compare(slices.Index(groups, a.Group), slices.Index(groups, b.Group))
	})
	if c.Output == "json" {
		infos := make([]topicInfo, len(topics))
		for i, topic := range topics {
			infos[i] = describeTopic(topic)
			infos[i].Text = ""
		}
		return writeJSON(w, infos)
	}
	var b strings.Builder
	group := ""
	for _, topic := range topics {
		if topic.Group != group {
			group = topic.Group
			b.WriteString(strings.TrimPrefix("\n"+group+":\n", map[bool]string{true: "\n"}[b.Len() == 0]))
		}
		var row factTable
		row.row("  "+topic.Name, topic.Title)
		if err := row.writeAt(&b, topicIndent); err != nil {
			return err
		}
	}
	b.WriteString("\n\"rpcplugin handshake explain TOPIC\" tells more; a part of a message will do, too.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// nearTopics are the names that are nearest to what was asked for.
func nearTopics(query string) []string {
	query = strings.ToLower(query)
	type near struct {
		name     string
		distance int
	}
	var all []near
	for _, topic := range append(handshake.Topics(), cookieTopics()...) {
		best := len(query) + len(topic.Name)
		for _, name := range append(slices.Clone(topic.Aliases), topic.Name) {
			name = strings.ToLower(name)
			distance := typo.Edits(query, name)
			if len(query) > 2 && (strings.Contains(name, query) || strings.Contains(query, name) && len(name) > 2) {
				distance = 0
			}
			best = min(best, distance)
		}
		if best > 0 && strings.Contains(strings.ToLower(topic.Title+topic.Text), query) {
			best = 1
		}
		all = append(all, near{topic.Name, best})
	}
	slices.SortStableFunc(all, func(a, b near) int { return a.distance - b.distance })
	var names []string
	for _, n := range all[:3] {
		names = append(names, n.name)
	}
	return names
}
