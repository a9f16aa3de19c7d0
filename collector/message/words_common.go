package message

// commonWords are what pages and the screen both say.
//
// The words of the design in Japanese: gate ゲート, hold 停止理由, alert アラート,
// incident インシデント, effect 措置, mitigation 対策, evidence 根拠, verdict 判定
// (real 実際の異常, false 誤検知, test テスト), silence サイレンス, rule ルール, host
// ホスト, agent エージェント, approve 承認, shadow 観察のみ, enforce 自動停止, closed 閉,
// open 開; what was refused at a gate is 保留. Buttons are verbs (開く), states nouns.
var commonWords = []row{
	{"not known", "不明"},
	{"not known yet", "まだ不明"},
	{"nothing", "なし"},
	{"none", "なし"},

	{"less than 1 s", "1秒未満"},
	{"%d d", "%d日"},
	{"%d h", "%d時間"},
	{"%d min", "%d分"},
	{"%d s", "%d秒"},
	{"%s %s|units", "%s%s"},
	{"%d|number", "%d"},
	{"for %s", "%s継続"},
	{"%s ago", "%s前"},
	{"since %s", "%sから"},
	{", |list", "、"},
	{"; |clauses", "。"},

	{"open|gate", "開"},
	{"closed|gate", "閉"},
	{"open|incident", "対応中"},
	{"ended", "終了"},
	{"critical|severity", "重大"},
	{"warning|severity", "警告"},
	{"info|severity", "情報"},
	{"shadow", "観察のみ"},
	{"approve|mode", "承認後に停止"},
	{"enforce", "自動停止"},
	{"real|verdict", "実際の異常"},
	{"false|verdict", "誤検知"},
	{"test|verdict", "テスト"},
	{"planned", "未実行"},
	{"applied", "実行済み(未確認)"},
	{"verified", "実行済み(確認済み)"},
	{"undone", "取り消し済み"},

	{"%d alerts", "アラート%d件", "%d alert"},
	{"%d events", "イベント%d件", "%d event"},
	{"%d requests", "依頼%d件", "%d request"},
	{"and %d more", "ほか%d件"},
	{"at least %s", "少なくとも%s"},

	{"What", "内容"},
	{"Details", "詳細"},
	{"Alert", "アラート"},
	{"Gate", "ゲート"},
	{"Since", "開始"},
	{"Ended", "終了日時"},
	{"Evidence", "根拠"},
	{"Value", "値"},
	{"Held", "保留"},
	{"Incident", "インシデント"},
	{"Done by itself", "自動措置"},
	{"What you can do", "対応"},
	{"Runbook", "手順書"},
	{"Link", "リンク"},
}
