package docket

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of tags.
const (
	MaxTags = 20
	MaxTag  = 50 // characters
)

// normalizeTags trims each tag and drops those that are equal to an earlier one. No
// tags are nil.
func normalizeTags(tags *[]string) []Fault {
	var faults []Fault
	var kept []string
	for i, tag := range *tags {
		tag = strings.TrimSpace(tag)
		pointer := fmt.Sprintf("/tags/%d", i)
		if tag == "" {
			faults = append(faults, bodyFault(pointer, "too_short", "The tag is empty. Give it at least 1 character besides white space, or leave it out."))
		}
		faults = append(faults, checkText(pointer, "tag", tag, MaxTag)...)
		if !slices.Contains(kept, tag) {
			kept = append(kept, tag)
		}
		if len(kept) > MaxTags || len(faults) >= MaxFaults {
			return append(faults, bodyFault("/tags", "too_many", fmt.Sprintf("There are more than %d tags. Remove some.", MaxTags)))
		}
	}
	*tags = kept
	return faults
}

// FoldTags returns what stores compare tags by.
func FoldTags(tags []string) []string {
	folded := make([]string, len(tags))
	for i, tag := range tags {
		folded[i] = Fold(tag)
	}
	return folded
}
