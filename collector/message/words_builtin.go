package message

// builtInWords are what is said of built-in alerts beside their sentences.
var builtInWords = []row{
	{"Switch automatic effects on again as soon as it is safe", "安全を確認したら、自動措置を再開してください"},
}
