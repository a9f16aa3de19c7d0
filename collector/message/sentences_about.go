package message

import "github.com/tomeishi/tomeishi/collector/record"

// aboutSentences are what built-in alerts are about.
var aboutSentences = []sentence{
	{record.AboutAgentSilent, "Nothing has been heard from agent {agent} for 30 seconds: how its host is doing is not known.", "エージェント {agent} から30秒間受信がありません。ホストの状態は不明です。"},
	{record.AboutAgentBlind, "Blocks of agent {agent} never came: what they told is not known.", "エージェント {agent} のブロックが届いていません。その内容は不明です。"},
	{record.AboutAgentCloned, "Two senders use the name of agent {agent}: each needs a name and a data folder of its own.", "2つの送信元がエージェント名 {agent} を使っています。名前とデータフォルダーをそれぞれ分けてください。"},
	{record.AboutDoubtMemory, "Agent {agent} answers \"do not pay\": its copy of the gates was damaged, so it cannot tell this ledger from an older one. When somebody has looked: tomeishi-agent adopt, on its host.", "エージェント {agent} は「支払わない」と答えています。保存していたゲートの状態が壊れ、この台帳が古いものでないと確かめられません。確認後、そのホストで tomeishi-agent adopt を実行してください。"},
	{record.AboutDoubtLedger, "Agent {agent} answers \"do not pay\": this ledger is another or an older one than it knew. If it is the right one: tomeishi-agent adopt, on its host.", "エージェント {agent} は「支払わない」と答えています。台帳がこれまでと別のもの、または古いものです。正しい台帳なら、そのホストで tomeishi-agent adopt を実行してください。"},
	{record.AboutDoubtLease, "Agent {agent} answers \"do not pay\": no collector renews its lease, though what it reports arrives. Something between answers for the gates.", "エージェント {agent} は「支払わない」と答えています。報告は届いていますが、リースが更新されていません。経路の途中の何かがゲートの問い合わせに答えています。"},
	{record.AboutDoubtKeep, "Agent {agent} answers by the last state of gates that it keeps: no collector renews its lease, and it would not hear of a close.", "エージェント {agent} はゲートの最後の状態で答えています。リースが更新されておらず、ゲートを閉じても伝わりません。"},
	{record.AboutAgentRefused, "Somebody at {address} asks as agent {claimed} with a token that is not that agent's. If it is that agent, its events wait: its token is what auth.agents must have for it.", "{address} から、エージェント {claimed} と名乗る要求が、そのエージェントのものでないトークンで届いています。本物なら報告が止まっています。auth.agents のトークンを合わせてください。"},
	{record.AboutClockOff, "The clock of agent {agent} is {offset}: what it measures stands at wrong times.", "エージェント {agent} の時計が{offset}。計測値の時刻は正しくありません。"},
	{record.AboutRule, "Rule {rule} could not judge everything that it should have: its last error says why.", "ルール {rule} が判定できなかったデータがあります。理由は最後のエラーにあります。"},
	{record.AboutMetricRule, "Rule {rule} could not be evaluated: its last error says why.", "ルール {rule} を評価できませんでした。理由は最後のエラーにあります。"},
	{record.AboutRulesLeftOut, "Parts of the rule files were accepted by an earlier version and do not load in this one: {errors} {errors#error|errors}. Correct the files and reload.", "以前のバージョンで受け付けたルールファイルの一部が、このバージョンでは読み込めません(エラー{errors}件)。ファイルを直して再読み込みしてください。"},
	{record.AboutRulesBlind, "Metric rules are not evaluated.", "メトリクスルールが評価されていません。"},
	{record.AboutWatchdog, "This alert always stands, so that you know that the others would reach you. An agent's beat keeps it up: if you stop hearing of it, or hear that it is over, nothing that agents report may be reaching you.", "このアラートは常に出ていて、ほかのアラートも届くことを示します。エージェントの定期信号で続きます。届かなくなったら、または終了の知らせが来たら、エージェントの報告が何も届いていない可能性があります。"},
	{record.AboutGateClosed, "Gate {gate} was closed by {cause}[: {reason}][: {because}]. It stays closed until a person opens it.", "ゲート {gate} が閉じられました({cause})[: {reason}][: {because}]。人が開くまで閉じたままです。"},
	{record.AboutGateOpened, "Gate {gate} was opened by {by}.", "閉じていたゲート {gate} は {by} が開きました。"},
	{record.AboutGateStill, "{by} lifted what closed gate {gate}. Its parent {parent} still closes it.", "{by} がゲート {gate} の停止理由を解除しましたが、親ゲート {parent} により閉じたままです。"},
	{record.AboutApproval, "{by} wants to open gate {gate}[, lifting hold {hold}][ ({verdict})][: {reason}]. {named#A second person has|Two people by name have} to agree: nothing has opened.", "{by} がゲート {gate} を開こうとしています[(停止理由 {hold} の解除)][({verdict})][: {reason}]。{named#もう1人|名前の分かる2人}の承認が必要です。まだ開いていません。"},
	{record.AboutApprovalOver, "The opening of gate {gate} no longer waits for a second person[: {because}].", "ゲート {gate} を開くための、もう1人の承認待ちは終わりました[({because})]。"},
	{record.AboutOpenedAlone, "{by} opened gate {gate} without a second person[ ({verdict})][: {reason}].", "{by} が、もう1人の承認なしにゲート {gate} を開きました[({verdict})][: {reason}]。"},
	{record.AboutAutomaticOff, "{by} switched automatic effects off until {until}[: {reason}]. Until then what would close a gate by itself waits for a person's approval.", "{by} が自動措置を {until} まで停止しました[: {reason}]。それまで、ゲートを閉じる措置は承認待ちになります。"},
	{record.AboutAutomaticOn, "Automatic effects are on again[: {because}].", "自動措置は再開されました[({because})]。"},
	{record.AboutDiskLow, "Less than {percent} % of the collector's disk is free.", "コレクターのディスクの空きが{percent}%を下回りました。"},
	{record.AboutDiskUnread, "The collector's data folder cannot be read.", "コレクターのデータフォルダーを読めません。"},
	{record.AboutDiskFull, "The collector's disk is full: what is reported is refused and waits at the agents; gates and decisions still work.", "コレクターのディスクが満杯です。報告は受け付けられず、エージェントで待機しています。ゲートと判断の操作は使えます。"},
	{record.AboutReload, "The rule files or the configuration could not be loaded again[: {file}][, line {line}]. What was loaded before stays in force.", "ルールまたは設定を再読み込みできませんでした[: {file}][ {line}行目]。以前の内容で動いています。"},
	{record.AboutTimeAhead, "Ledger time is ahead of this host's clock: the clock was set back, or was ahead before.", "台帳の時刻がホストの時計より進んでいます。時計が戻されたか、以前に進んでいました。"},
	{record.AboutTimeBehind, "Ledger time is behind this host's clock and runs a tenth faster until it has caught up: the clock was set forward.", "台帳の時刻がホストの時計より遅れているため、追いつくまで1割速く進みます。時計が進められました。"},
	{record.AboutTimeDoubted, "This host's clock is far ahead of the last entry and nothing confirms it yet: ledger time goes on from that entry. If the clock is right: tomeishi time accept.", "ホストの時計が最後の記録より大きく進んでおり、まだ確認できません。台帳の時刻は最後の記録から続いています。時計が正しければ tomeishi time accept を実行してください。"},
	{record.AboutNotifyFailing, "People are not told through {integration} of receiver {receiver}.", "通知先 {receiver} の {integration} で通知できていません。"},
}
