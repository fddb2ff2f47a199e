terraform {
  required_providers {
    notes = {
      source  = "registry.terraform.io/acme/notes"
      version = "0.1.0"
    }
  }
}

provider "notes" {
  directory = "${path.root}/notes"
}

variable "text" {
  type    = string
  default = "milk, bread"
}

resource "notes_note" "shopping" {
  title   = "shopping"
  content = var.text
}

resource "notes_note" "digest" {
  title   = "digest"
  content = "The shopping list has the digest ${notes_note.shopping.sha256}.\n"
}

data "notes_index" "all" {
  depends_on = [notes_note.shopping, notes_note.digest]
}

output "titles" {
  value = data.notes_index.all.titles
}
