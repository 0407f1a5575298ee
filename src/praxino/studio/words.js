// What the page says, in English and Chinese.

import { store } from "./api.js";

const kept = localStorage.getItem("language");
export const language = store(kept ?? (navigator.language?.startsWith("zh") ? "zh" : "en"));

export function speak(wanted) {
  localStorage.setItem("language", wanted);
  document.documentElement.lang = wanted === "zh" ? "zh-CN" : "en";
  language.set(wanted);
}

/** The words for a key; `{0}`, `{1}` stand for values. */
export function t(key, ...values) {
  const pair = WORDS[key];
  if (!pair) return key;
  return pair[language.get() === "zh" ? 1 : 0].replace(/\{(\d)\}/g, (_, place) => values[place] ?? "");
}

// prettier-ignore
const WORDS = {
  create: ["Create", "创作"], films: ["Films", "作品"], explore: ["Explore", "发现"], templates: ["Templates", "模板"],
  check: ["Check a film", "检验视频"], insight: ["Insight", "数据"], account: ["Account", "账户"], moderation: ["Moderation", "审核"],
  votes: ["Compare", "对比"], people: ["People", "用户"], main_menu: ["Main menu", "主菜单"], skip: ["Skip to content", "跳到内容"],
  light: ["Light theme", "浅色主题"], dark: ["Dark theme", "深色主题"], other_language: ["中文", "English"],

  prompt: ["Prompt: what to show", "提示词：想看到什么"], prompt_example: ["a red ball bounces on a checker floor", "一个红色的球在棋盘格地板上弹跳"],
  negative: ["Negative prompt: what not to show", "反向提示词：不想看到什么"], negative_example: ["a blue ball", "蓝色的球"],
  start: ["Begins with: a picture or clip", "开头：图片或视频片段"], end: ["Ends on: a picture", "结尾：图片"],
  drop: ["Choose a file, drop it, or paste a picture. A film that Praxino made fills in the form.", "选择、拖入文件，或粘贴图片。拖入 Praxino 生成的视频会自动填好表单。"],
  remove: ["Remove", "移除"], continues: ["Continues your film {0}", "续写你的视频 {0}"],
  length: ["Length, seconds", "时长（秒）"], shape: ["Shape", "画面比例"], resolution: ["Resolution", "清晰度"], fps: ["Frames a second", "帧率"],
  seed: ["Seed", "随机种子"], any: ["any", "随机"], guidance: ["Follow the words, 0 to 20", "贴合提示词，0 到 20"], model: ["Model", "模型"],
  camera: ["Camera", "镜头"], camera_still: ["as the words say", "按提示词"], camera_unknown: ["This model knows no camera moves.", "该模型不支持运镜。"],
  more: ["More settings", "更多设置"], draft: ["Draft: quick and small, finish it later", "草稿：快速、小尺寸，之后可完成"], model_own: ["the model's own", "模型默认"],
  storyboard: ["Storyboard", "分镜"], storyboard_on: ["Storyboard of several shots", "使用分镜"], shot: ["Shot {0}", "镜头 {0}"], shot_seconds: ["Seconds of shot {0}", "镜头 {0} 的秒数"], shot_words: ["Words of shot {0}", "镜头 {0} 的提示词"],
  add_shot: ["Add a shot", "添加镜头"], timeline: ["Timeline: {0} shots, {1} s", "时间线：{0} 个镜头，{1} 秒"], earlier: ["Earlier", "前移"], later: ["Later", "后移"],
  help_prompt: ["Help with the prompt", "帮我补全提示词"], generate: ["Generate", "生成"], sending: ["Sending…", "提交中…"], start_over: ["Start over", "重新开始"],
  quote: ["{0} tokens; about {1}, at most {2}", "{0} 个词元（token）；大约 {1}，最多 {2}"], quote_credits: ["{0} credits", "{0} 点"], quote_queue: ["after {0} in the queue", "排队约 {0}"], quote_empty: ["Write a prompt to see what it costs: tokens and seconds.", "写下提示词即可看到代价：词元（token）与时间。"],
  seconds_of: ["{0} s", "{0} 秒"], minutes_of: ["{0} min", "{0} 分钟"],

  now: ["In the making", "制作中"], recent: ["Just made", "最近完成"], nothing_yet: ["Nothing here yet. What you make is kept on the server, not in this tab.", "还没有内容。作品保存在服务器上，而不是这个标签页里。"],
  waits: ["number {0} in the queue", "排在第 {0} 位"], waits_plain: ["in the queue", "排队中"], eta: ["{0} left, at most {1}", "剩余 {0}，最多 {1}"], made_percent: ["{0} % made", "已完成 {0}%"], stage_starting: ["starting", "启动中"], stage_loading: ["loading the model", "加载模型"], stage_sampling: ["making", "生成中"],
  held_at: ["held at {0} %", "暂停于 {0}%"], failed_because: ["failed: {0}", "失败：{0}"], cancelled: ["cancelled", "已取消"], soon: ["{0}: in a moment", "{0}：即将执行"], stopped_early: ["stopped early", "提前停止"], a_draft: ["draft", "草稿"], seed_is: ["seed {0}", "种子 {0}"], progress_of: ["Progress of: {0}", "进度：{0}"],
  stop: ["Stop and keep", "停止并保留"], pause: ["Pause", "暂停"], resume: ["Go on", "继续"], cancel: ["Cancel", "取消"], retry: ["Try again", "重试"], sooner: ["Sooner", "提前"], edit: ["Edit", "修改"], save: ["Save", "保存"], download: ["Download", "下载"], extend: ["Continue this", "续写"], reuse: ["Use these settings", "沿用设置"], finish: ["Finish this draft", "完成此草稿"], delete: ["Delete", "删除"], delete_sure: ["Delete this film for ever?", "永久删除这个视频？"], open: ["Open", "打开"], publish: ["Publish", "发布"], unpublish: ["Unpublish", "取消发布"], published: ["Published on Explore.", "已发布到「发现」。"], unpublished: ["No longer on Explore.", "已从「发现」撤下。"], title: ["Title", "标题"],
  search: ["Search", "搜索"], search_films: ["Search your films", "搜索你的视频"], load_more: ["Show more", "显示更多"], none_found: ["Nothing found.", "没有找到。"],
  loop: ["Loop", "循环"], frame_back: ["One frame back", "后退一帧"], frame_on: ["One frame on", "前进一帧"], frame_at: ["frame {0} of {1}", "第 {0} 帧，共 {1} 帧"], close: ["Close", "关闭"], recipe: ["Recipe", "配方"],
  retake: ["Retake this span", "重拍这一段"], retake_from: ["From, seconds", "从（秒）"], retake_to: ["To, seconds", "到（秒）"], retake_words: ["New words (or none)", "新的提示词（可不填）"], retake_hint: ["Only these seconds are made anew; every other frame stays as it is.", "只重新生成这几秒，其余每一帧保持不变。"], retake_sent: ["The retake is in the queue.", "重拍已进入队列。"], extended: ["Choose a length and say what happens next.", "选择时长，写下接下来发生什么。"], seen_words: ["The form holds the settings of that film.", "表单已填入该视频的设置。"],

  by: ["by {0}", "作者 {0}"], remix: ["Remix", "再创作"], remix_words: ["New words (or none: another take)", "新的提示词（不填则换一次拍摄）"], remixed_from: ["after “{0}” by {1}", "改编自 {1} 的《{0}》"], remixes: ["remixed {0} times", "被再创作 {0} 次"], report: ["Report", "举报"], report_why: ["What is wrong with it?", "有什么问题？"], reported: ["Thank you. A moderator will look at it.", "谢谢，审核员会查看。"], remix_sent: ["Your remix is in the queue.", "你的再创作已进入队列。"], explore_hint: ["Films that their makers chose to show.", "作者选择公开的视频。"],
  templates_hint: ["Fill in the blanks; the storyboard goes into the form.", "填空后，分镜会放进表单。"], use_template: ["Use this template", "使用此模板"],
  check_hint: ["Was this film made here? The page reads its label, its recipe and its signature. Nothing is kept.", "这个视频是这里生成的吗？本页读取它的标识、配方和签名，不会保留文件。"], check_file: ["A film", "视频文件"], made_here: ["Yes: signed by this service, and unchanged since.", "是：由本服务签名，且此后未改动。"], not_made_here: ["Not known to be made here.", "无法确认由此处生成。"], label: ["Label (GB 45438-2025)", "标识（GB 45438-2025）"], manifest: ["Signature (C2PA)", "签名（C2PA）"], none: ["none", "无"], manifest_valid: ["valid, by {0}", "有效，签名者 {0}"], manifest_invalid: ["broken: the file was changed", "无效：文件被改动过"], ai_made: ["says that it is made by AI", "声明为人工智能生成"],
  votes_hint: ["Two films of the same words by different models. Which is better? You are told afterwards which is which.", "同一提示词、不同模型的两个视频。哪个更好？投票后才揭晓。"], vote_a: ["The first", "第一个"], vote_b: ["The second", "第二个"], vote_same: ["No difference", "差不多"], votes_none: ["No pair to compare just now.", "暂时没有可对比的视频。"], preferences: ["Preference between models (Bradley-Terry)", "模型偏好（Bradley-Terry）"],
  insight_mine: ["What you made", "我的创作"], insight_service: ["The service", "服务"], week: ["Week of", "周"], figure: ["Figure", "指标"], value: ["Value", "数值"],
  mod_queue: ["Waiting for a decision", "待处理"], keep: ["Keep", "保留"], take_down: ["Take down", "下架"], allow: ["Allow", "允许"], deny: ["Deny", "拒绝"], mod_none: ["Nothing waits for a decision.", "没有待处理的内容。"], note: ["Note", "备注"],
  appeal: ["Appeal", "申诉"], appealed: ["Your appeal is in the moderators' queue.", "申诉已提交给审核员。"],

  welcome: ["Words, pictures and clips in; video out.", "输入文字、图片或片段，输出视频。"], login: ["Log in", "登录"], logout: ["Log out", "退出"], apply: ["Apply", "申请"], name: ["Name", "名字"], password: ["Password, 10 characters or more", "密码（至少 10 个字符）"], email: ["E-mail (optional)", "邮箱（可选）"], reason: ["What would you like to make? (optional)", "想用来做什么？（可选）"], code: ["Invitation code (if you have one)", "邀请码（如有）"], no_account: ["No account yet? Apply for one.", "还没有账户？申请一个。"], have_account: ["Have an account? Log in.", "已有账户？登录。"], need_key: ["This page needs an API key: open the link that `praxino serve` printed, or paste a key.", "本页需要 API 密钥：请打开 `praxino serve` 打印的链接，或粘贴密钥。"], key: ["API key", "API 密钥"], enter: ["Enter", "进入"],
  waiting_title: ["You are on the list", "你已在等候名单中"], waiting_position: ["Number {0} on the list.", "你在名单的第 {0} 位。"], waiting_estimate: ["At the present pace it is your turn around {0}.", "按目前速度，预计 {0} 左右轮到你。"], waiting_unknown: ["Nobody is being admitted just now, so no date can be promised.", "目前没有开放名额，因此无法给出日期。"], suspended: ["This account is suspended; ask the operator.", "该账户已停用，请联系运营者。"], look_again: ["Look again", "刷新"],
  keys: ["API keys", "API 密钥"], new_key: ["Make a key", "创建密钥"], shown_once: ["Keep it: it is shown this once.", "请保存：只显示这一次。"], revoke: ["Take back", "吊销"], invitations: ["Invitations", "邀请"], new_invitation: ["Make an invitation", "创建邀请"], uses: ["Uses", "可用次数"], days: ["Days until it expires", "有效天数"], export: ["Download everything kept about me", "下载关于我的全部数据"], leave: ["Delete my account and films", "删除我的账户和作品"], leave_sure: ["This deletes your films, keys and account for ever. Your password:", "将永久删除你的作品、密钥和账户。请输入密码："], credits: ["Credits", "点数"], balance: ["Balance {0}, held {1}", "余额 {0}，冻结 {1}"], entry: ["Entry", "流水"], amount: ["Amount", "数额"], after: ["Balance after", "余额"], made_at: ["When", "时间"],
  gate: ["The gate", "准入"], gate_open: ["Open: everybody at once", "开放：所有人立即进入"], per_day: ["People a day", "每天人数"], each_invites: ["Invitations for each maker", "每人可邀请人数"], admit: ["Admit so many now", "立即准入人数"], state: ["State", "状态"], role: ["Role", "角色"], admit_one: ["Admit", "准入"], suspend: ["Suspend", "停用"],
  offline: ["The server cannot be reached; the page tries again.", "无法连接服务器，页面会重试。"],
};
