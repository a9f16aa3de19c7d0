package message

// builtInWords are what built-in alerts say.
var builtInWords = []row{
	{"Nothing was heard of agent %s for 30 seconds: how its host is doing is not known", "エージェント %s から30秒間受信がありません。ホストの状態は不明です"},
	{"Blocks of agent %s never came: what they told is not known", "エージェント %s のブロックが届いていません。その内容は不明です"},
	{"Two senders use the name of agent %s: each needs a name and a data folder of its own", "2つの送信元がエージェント名 %s を使っています。名前とデータフォルダーをそれぞれ分けてください"},
	{"Automatic effects are off: what would close a gate waits for approval", "自動措置は停止中です。ゲートを閉じる措置は承認待ちになります"},
	{"%s switched automatic effects off until %s: %s", "%s が自動措置を %s まで停止しました: %s"},
	{"A second person has to agree that gate %s opens: nothing has opened", "ゲート %s を開くには、もう1人の承認が必要です。まだ開いていません"},
	{"The clock of agent %s is off: what it measures stands at wrong times", "エージェント %s の時計がずれています。計測値の時刻は正しくありません"},
	{"The collector's disk is full: what is reported is refused and waits at the agents; gates and decisions still work", "コレクターのディスクが満杯です。報告は受け付けられず、エージェントで待機しています。ゲートと判断の操作は使えます"},
	{"The collector's disk has little room left", "コレクターのディスクの空きが残りわずかです"},
	{"Gate %s is closed until a person opens it", "ゲート %s は、人が開くまで閉じたままです"},
	{"Ledger time and the clock of the collector's host differ", "台帳の時刻とコレクターのホストの時計がずれています"},
	{"People are not told through receiver %s", "通知先 %s に通知できていません"},
	{"%[2]s opened gate %[1]s without a second person", "%[2]s が、もう1人の承認なしにゲート %[1]s を開きました"},
	{"Rule files or receivers were not loaded again: those before go on", "ルールまたは通知先の設定を読み込み直せませんでした。以前の設定で動いています"},
	{"Rule %s could not judge everything that it should have", "ルール %s が判定できなかったデータがあります"},
	{"Metric rules are not evaluated", "メトリクスルールが評価されていません"},
	{"This alert always stands: if you stop hearing of it, others may not reach you either", "このアラートは常に出ています。届かなくなったら、ほかのアラートも届いていない可能性があります"},
	{"Automatic effects went on again", "自動措置は再開されました"},
	{"Opening gate %s waits for a second person no longer", "ゲート %s を開くための、もう1人の承認待ちは終わりました"},
	{"Gate %s was closed, and a person opened it", "閉じていたゲート %s は、人が開きました"},
	{"Switch automatic effects on again as soon as it is safe", "安全を確認したら、自動措置を再開してください"},
}
