"""The words of a report, Ukrainian and English. One table; a test walks it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from edged.shift.inventory import SORTS_UK, Sort
from edged.shift.kinds import KINDS_UK
from edged.shift.manual import name_uk


class Lang(StrEnum):
    UK = "uk"
    EN = "en"


_INCIDENTS = {
    "forced-removal": "a camera was taken out of the dock without authorisation",
    "damaged-recording": "a recording is damaged",
    "camera-not-returned": "a camera was not returned by the end of the shift",
    "disk": "fault of a disk of the vault",
    "ledger": "the integrity of the ledger is broken",
    "malfunction": "malfunction of a part of the complex",
    "loss": "loss of a part of the complex",
    "damage": "damage to a part of the complex",
    "journal-lost": "loss of a journal",
    "journal-seized": "seizure of a journal",
}
_ENTRIES = {
    "cleaning": "cleaning of the contacts of slots and cameras",
    "locks": "check of the slots’ locks and sensors",
    "batteries": "check of the capacity of the cameras’ batteries",
    "ups": "check of the UPS and its battery",
    "disks": "check of the host’s disks",
    "clock": "check of the source of exact time",
    "cabling": "inspection of cables, power and network connections",
    "disk-replacement": "replacement of a disk of the vault",
    "part-replacement": "replacement of a part by its operating documents",
    "update-station": "update of the dock station’s software",
    "update-dock": "update of a dock controller’s firmware",
    "update-camera": "update of a camera’s firmware",
}
_ITEMS = {
    Sort.CAMERA: "body-worn camera",
    Sort.MOUNT: "mount",
    Sort.DOCK: "dock",
    Sort.HOST: "host",
    Sort.SERVER: "server",
    Sort.CHARGER: "portable charger",
    Sort.NETWORK: "network equipment",
    Sort.UPS: "UPS",
}
"""English beside the journals' own Ukrainian (`edged.shift`), which a report repeats."""

_TABLE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "title": ("Звіт док-станції", "Dock station report"),
        "period": ("Період", "Period"),
        "as-of": ("Стан на", "State at"),
        "attention": ("Потребує уваги", "Needs attention"),
        "attention-more": ("і ще {more}: див. таблиці", "and {more} more: see the tables"),
        "nothing": ("Нічого не потребує уваги.", "Nothing needs attention."),
        "none": ("Немає.", "None."),
        "timeline": ("Покриття відеозаписом", "Coverage"),
        "legend-issued": ("видано", "issued"),
        "legend-recorded": ("записано", "recorded"),
        "legend-gap": ("без запису (може бути особистою перервою)", "not recorded (may be a private break)"),
        "legend-perhaps": ("без запису, або запис без часу", "not recorded, or a recording without a time"),
        "legend-outage": ("вихід комплексу з ладу", "outage of the complex"),
        # tiles
        "tile-cameras": ("відеокамер на місці", "cameras in place"),
        "tile-issues": ("видач", "issues"),
        "tile-coverage": ("покриття", "coverage"),
        "tile-coverage-least": ("покриття, не менше", "coverage, at least"),
        "tile-unconfirmed": ("повернень не підтверджено", "returns not confirmed"),
        "tile-incidents": ("інцидентів", "incidents"),
        "tile-behind": ("записів не на сервері", "recordings not at the server"),
        "tile-alerts": ("попереджень", "alerts"),
        # attention
        "attend-absent": (
            "Немає на місці зберігання: інв. № {numbers}",
            "Not where they are kept: inv. No {numbers}",
        ),
        "attend-out": (
            "Видано й не повернуто: інв. № {number}, {officer}",
            "Issued and not returned: inv. No {number}, {officer}",
        ),
        "attend-return": (
            "Повернення не підтверджено: інв. № {number}, {officer}",
            "Return not confirmed: inv. No {number}, {officer}",
        ),
        "attend-paper": ("Прострочено, {about}: {papers}", "Overdue, {about}: {papers}"),
        "attend-alert": (
            "Попередження: {what}, E{code}, з {since}",
            "Alert: {what}, E{code}, since {since}",
        ),
        "attend-incident": (
            "Чернетка інциденту без рішення: {text}",
            "Draft incident without a decision: {text}",
        ),
        "attend-recording": ("Відеозапис {recording}: {why}", "Recording {recording}: {why}"),
        "attend-strays": (
            "Відеозаписів поза видачами: {number}, див. таблицю",
            "Recordings of no issue: {number}, see the table",
        ),
        # sections and columns
        "issues": ("Видачі", "Issues"),
        "issues-columns": (
            "Інв. №|Уповноважена особа|Видано|Повернуто|Підтверджено|Записано|Знахідки",
            "Inv. No|Officer|Issued|Returned|Confirmed|Recorded|Findings",
        ),
        "addressed": (
            "Адресати покриття: керівник відділу митного оформлення, керівник митного поста.",
            "Coverage is addressed to the heads of the clearance department and of the post.",
        ),
        "addressed-security": (
            "Відхилення і стрибки годинника та зміни носія адресовано також адміністратору безпеки.",
            "What clock or medium have undergone is addressed to the security administrator too.",
        ),
        "addressed-break": (
            "* Час без запису може бути особистою перервою.",
            "* Time without a recording may be a private break.",
        ),
        "shift-unknown": (
            "Зйомку після кінця зміни не перевірено, бо кінець зміни невідомий, видач: {number}.",
            "Not looked at for filming after the shift, whose end is not known: {number} of the issues.",
        ),
        "strays": ("Відеозаписи поза видачами", "Recordings of no issue"),
        "strays-columns": (
            "Інв. №|Відеозапис|Файл|Початок|Кінець|Чому",
            "Inv. No|Recording|File|Began|Ended|Why",
        ),
        "stray-no-issue": ("відеокамеру не було видано", "the camera was not issued"),
        "stray-outside": ("зроблено поза видачею", "made outside the issue"),
        "stray-elsewhere": ("видачі в цьому звіті немає", "its issue is not in this report"),
        "equipment": ("Обладнання", "Equipment"),
        "equipment-columns": ("Що|Де|Кількість|Інв. №", "What|Where|Number|Inv. No"),
        "cameras": ("Заряд і годинники відеокамер", "Charge and clocks of cameras"),
        "cameras-columns": (
            "Інв. №|Слот|Готовність|Заряд, %|Вільно, ГБ|Похибка годинника, с",
            "Inv. No|Slot|Readiness|Charge, %|Free, GB|Clock error, s",
        ),
        "alerts": ("Чинні попередження", "Open alerts"),
        "alerts-columns": ("Що|Про що|З якого часу|Код", "What|About|Since|Code"),
        "incidents": ("Інциденти", "Incidents"),
        "incidents-columns": ("Коли|Що|Обладнання|Стан", "When|What|Equipment|Stage"),
        "works": ("Роботи, ремонти, виходи з ладу", "Works, repairs, outages"),
        "works-columns": ("Що|Початок|Кінець|Опис", "What|Began|Ended|Description"),
        "papers": ("Документи, що очікуються", "Papers owed"),
        "papers-columns": ("Документ|Про що|Строк|Прострочено", "Paper|About|Due|Overdue"),
        "reconciliation": ("Звіряння відеозаписів", "Reconciliation of recordings"),
        "reconciliation-line": (
            "створено {made}, збережено {sealed}, передано {delivered}, підтверджено сервером {confirmed}",
            "made {made}, sealed {sealed}, delivered {delivered}, confirmed by the server {confirmed}",
        ),
        "account-whole": ("Облік передавання станом на {at}.", "Account of deliveries as of {at}."),
        "account-part": (
            "Облік передавання станом на {at} неповний: передано може бути більше.",
            "The account of deliveries as of {at} is not whole: more may have been delivered.",
        ),
        "account-none": (
            "Облік передавання не прочитано: відомо лише про передавання того, що підтвердив сервер.",
            "The account of deliveries could not be read: only what the server confirmed is known to be delivered.",
        ),
        "reconciliation-columns": ("Відеозапис|Відеокамера|Файл|Чому", "Recording|Camera|File|Why"),
        "more": ("і ще {left_out}", "and {left_out} more"),
        "refusals": ("Відмови в доступі за карткою", "Refused badges"),
        "refusals-columns": ("Причина|Кількість", "Reason|Number"),
        "foot": (
            "Журнал подій: записи {first}–{last}, корінь {root}",
            "Ledger: lines {first}–{last}, root {root}",
        ),
        "page": ("Сторінка {page} з {pages}", "Page {page} of {pages}"),
        # words
        "yes": ("так", "yes"),
        "no": ("ні", "no"),
        "unknown": ("невідомо", "unknown"),
        "ready": ("готова", "ready"),
        "not-ready": ("не готова: {reasons}", "not ready: {reasons}"),
        "checked": ("перевіряється", "being checked"),
        "of": ("{part} з {whole}", "{part} of {whole}"),
        "place-slot": ("у слотах", "in slots"),
        "place-issued": ("видано", "issued"),
        "place-safe": ("у сейфі", "in the safe"),
        "place-repair": ("пошкоджено або в ремонті", "damaged or in repair"),
        "place-works": ("на регламентних роботах", "in works"),
        "place-absent": ("немає на місці", "absent"),
        "sort-camera": ("відеокамери", "cameras"),
        "sort-mount": ("кріплення", "mounts"),
        "sort-dock": ("док-станції", "docks"),
        "sort-host": ("керуючі комп’ютери", "hosts"),
        "sort-server": ("сервери", "servers"),
        "sort-charger": ("портативні зарядні пристрої", "portable chargers"),
        "sort-network": ("мережеве обладнання", "network equipment"),
        "sort-ups": ("джерела безперебійного живлення", "UPS"),
        "stage-draft": ("чернетка", "draft"),
        "stage-open": ("відкрито", "open"),
        "stage-closed": ("закрито", "closed"),
        "stage-rejected": ("відхилено", "rejected"),
        "kind-works": ("регламентні роботи", "works"),
        "kind-repair": ("ремонт", "repair"),
        "kind-outage": ("вихід з ладу", "outage"),
        "goes-on": ("триває", "goes on"),
        "why-on-camera": ("ще на відеокамері", "still on the camera"),
        "why-sealed": ("збережено; чи передано, невідомо", "sealed; not known whether delivered"),
        "why-waiting": ("очікує передавання", "waits for delivery"),
        "why-delivered": ("передано, сервер ще не підтвердив", "delivered, not confirmed yet"),
        "why-held": ("сервер не приймає", "the server refuses it"),
        "why-damaged": ("пошкоджено, частини не читаються", "damaged, parts cannot be read"),
        "why-corrupt": ("копія змінилася після збереження", "the copy has changed since it was sealed"),
        # papers and parties (edged.journals.papers)
        "paper-written-notice": ("Письмове повідомлення", "Written notice"),
        "paper-incident-information": ("Інформація про інцидент", "Information on an incident"),
        "paper-report-memo": ("Доповідна записка", "Report memo"),
        "paper-security-information": ("Інформація про інцидент", "Information on an incident"),
        "paper-warning": ("Інформація про можливий технічний інцидент", "Warning of a technical incident"),
        "paper-works-letter": ("Лист про регламентні роботи", "Letter on works"),
        "paper-overrun-letter": ("Лист про перевищення 24 годин", "Letter on works beyond 24 hours"),
        "paper-copy-information": ("Інформація про виготовлену копію", "Information on a copy that was made"),
        "party-officer": ("уповноважена особа", "officer"),
        "party-responsible": ("відповідальна особа", "responsible person"),
        "party-technician": ("технічний адміністратор", "technical administrator"),
        "party-exporter": ("особа, яка виготовила копію", "who made the copy"),
        "party-security_admin": ("адміністратор безпеки", "security administrator"),
        "party-superior": ("безпосередній керівник", "immediate superior"),
        "party-department_head": ("керівник відділу митного оформлення", "head of the department"),
        "party-post_head": ("керівник митного поста", "head of the post"),
        "party-deputy_head": ("заступник керівника митного органу", "deputy head of the customs body"),
        "party-body_head": ("керівник митного органу", "head of the customs body"),
        "party-unit_heads": ("керівники підрозділів користувачів", "heads of the users’ units"),
        # why a camera is not ready (edged.readiness)
        "reason-not-listed": ("немає в переліку", "not in the list"),
        "reason-no-identity": ("без серійного номера", "without a serial number"),
        "reason-twin": ("інша відеокамера з тим самим номером", "another camera with its number"),
        "reason-quarantine": ("карантин", "quarantine"),
        "reason-in-works": ("регламентні роботи", "in works"),
        "reason-reserve": ("резервна, без службової записки", "reserve, without a memo"),
        "reason-no-card": ("немає носія", "no medium"),
        "reason-defect": ("несправність", "defect"),
        "reason-not-sealed": ("відеозаписи ще не збережено", "recordings not sealed yet"),
        "reason-charge-low": ("низький заряд", "low charge"),
        "reason-charge-unknown": ("заряд невідомий", "charge unknown"),
        "reason-memory-low": ("мало вільної пам’яті", "little free memory"),
        "reason-memory-unknown": ("вільна пам’ять невідома", "free memory unknown"),
        "reason-clock-off": ("годинник неточний", "clock is off"),
        "reason-clock-unknown": ("час невідомий", "time unknown"),
        "reason-dock-silent": ("слот не відповідає", "slot does not answer"),
        # incidents, works and parts, as the journals name them (edged.reports.things)
        **{f"incident-{kind}": (KINDS_UK[kind], words) for kind, words in _INCIDENTS.items()},
        **{f"entry-{entry}": (name_uk(entry), words) for entry, words in _ENTRIES.items()},
        **{f"item-{sort}": (SORTS_UK[sort], words) for sort, words in _ITEMS.items()},
        "item-number": ("інв. № {number}", "inv. No {number}"),
        "item-serial": ("відеокамера {serial}", "camera {serial}"),
        "copy-text": (
            "відеозапис {recording}, запит № {number} від {date}, підстава: {law}, одержувач: {receiver}",
            "recording {recording}, request No {number} of {date}, ground: {law}, receiver: {receiver}",
        ),
        # what an issue is flagged with (edged.duty)
        "flag-no-schedule": ("без графіка чергувань", "no duty schedule"),
        "flag-schedule-expired": ("графік чергувань не чинний", "duty schedule not in force"),
        "flag-duty-unknown": ("зміну не встановлено: час невідомий", "shift not known: time unknown"),
        "flag-not-on-duty": ("не у своїй зміні", "not in the own shift"),
        "flag-not-briefed": ("перше використання без інструктажу", "first use without a briefing"),
        # why a badge was refused (edged.access)
        "refusal-station-retired": ("станцію виведено з експлуатації", "station retired"),
        "refusal-no-roster": ("немає переліку осіб", "no roster"),
        "refusal-wrong-kind": ("картка іншого типу", "another kind of badge"),
        "refusal-unknown-badge": ("невідома картка", "unknown badge"),
        "refusal-revoked": ("доступ відкликано", "revoked"),
        "refusal-not-yet-valid": ("картка ще не діє", "badge not valid yet"),
        "refusal-expired": ("картка більше не діє", "badge expired"),
        "refusal-roster-not-yet": ("перелік осіб ще не діє", "roster not valid yet"),
        "refusal-roster-expired": ("перелік осіб більше не діє", "roster expired"),
        "refusal-no-appointment": ("немає чинного документа про призначення", "no appointment in force"),
        "refusal-not-an-officer": ("не уповноважена особа", "not an officer"),
        "refusal-throttled": ("забагато спроб", "too many tries"),
        "refusal-grant-pending": ("попередню видачу не завершено", "the grant before is open"),
        "refusal-already-granted": ("видачу розпочато в іншому місці", "granted at another reader"),
        "refusal-holds-a-camera": ("відеокамеру вже видано", "holds a camera"),
        "refusal-no-camera-docked": ("немає відеокамер у слотах", "no camera docked"),
        "refusal-not-on-duty": ("не у своїй зміні", "not in the own shift"),
        "refusal-not-briefed": ("без інструктажу", "no briefing"),
        "refusal-no-camera-ready": ("немає готових відеокамер", "no camera ready"),
        "refusal-all-granted": ("усі відеокамери видаються", "all are granted"),
        "refusal-dock-silent": ("слот не відповідає", "slot does not answer"),
        "refusal-not-recorded": ("подію не записано", "not recorded"),
        # alerts, by kind (edged.station), and what they are about (edged.reports.alert_words)
        "alert-dock-silent": ("док-станція не відповідає", "a dock does not answer"),
        "alert-dock-version": (
            "док-станція має іншу версію протоколу",
            "a dock speaks another version of the protocol",
        ),
        "alert-dock-counters-back": (
            "лічильники док-станції зменшилися: плату замінено або втручання",
            "a dock’s counters went backwards: its board was replaced or tampered with",
        ),
        "alert-dock-line": (
            "на лінії док-станції хтось без ключа станції",
            "somebody without the station’s key is on a dock’s line",
        ),
        "alert-reader-silent": ("зчитувач карток не відповідає", "a badge reader does not answer"),
        "alert-reader-out-of-service": (
            "зчитувач карток не обслуговує: видачу не можна записати",
            "a badge reader serves nobody: an issue could not be recorded",
        ),
        "alert-reader-opened": ("корпус зчитувача відкрито", "the housing of a badge reader was opened"),
        "alert-reader-line": (
            "на лінії зчитувача хтось без ключа станції",
            "somebody without the station’s key is on a reader’s line",
        ),
        "alert-reader-attacked": (
            "хтось прикладає картку за карткою",
            "somebody tries one badge after another",
        ),
        "alert-slot-fault": ("слот несправний і не працює", "a slot is out of use because of a fault"),
        "alert-slot-forced": (
            "відеокамеру вирвано із замкненого слота",
            "a camera was torn out of a locked slot",
        ),
        "alert-device-refused": (
            "у слоті пристрій, який не є відеокамерою",
            "a device in a slot offers what no camera may have",
        ),
        "alert-camera-unidentified": (
            "відеокамера без придатного серійного номера",
            "a camera has no usable serial number",
        ),
        "alert-camera-unknown": ("відеокамери немає в переліку", "a camera is not in the list"),
        "alert-camera-twin": (
            "дві відеокамери показують один серійний номер",
            "two cameras show the same serial number",
        ),
        "alert-camera-out": (
            "відеокамеру не повернуто після кінця зміни",
            "a camera is out after the end of its shift",
        ),
        "alert-camera-filesystem": (
            "файлову систему носія відеокамери пошкоджено",
            "the file system of a camera’s medium is damaged",
        ),
        "alert-camera-reads-differ": (
            "відеозапис змінився між двома читаннями",
            "a recording changed between two reads",
        ),
        "alert-clear-undone": (
            "видалене з відеокамери з’являється знову",
            "what was cleared is on the camera again",
        ),
        "alert-clearing-stopped": ("очищення відеокамер зупинено", "clearing of cameras has stopped"),
        "alert-recording-damaged": (
            "відеозапис пошкоджено або його копія змінилася",
            "a recording is damaged, or its copy has changed",
        ),
        "alert-recording-held": ("сервер не приймає відеозапис", "the server refuses a recording"),
        "alert-reference-bad": (
            "запит про віднесення відеозапису до справи недійсний",
            "a request to refer a recording to a case is not genuine",
        ),
        "alert-import-unfinished": (
            "відновлені дані прийнято, але не збережено",
            "recovered data was accepted and is not in the vault",
        ),
        "alert-scans-unread": (
            "файли теки зображень не збережено",
            "files of the watched folder are not in the vault",
        ),
        "alert-receipt-bad": ("квитанція сервера недійсна", "a receipt of the server is not genuine"),
        "alert-countersignature-bad": (
            "підпис сервера під контрольною точкою недійсний",
            "the server’s signature under a checkpoint is not genuine",
        ),
        "alert-centre-clock": (
            "годинники сервера і станції розходяться",
            "the clocks of server and station contradict each other",
        ),
        "alert-centre-unreachable": ("сервер недоступний", "the server cannot be reached"),
        "alert-centre-full": ("на сервері немає місця", "the server has no space left"),
        "alert-courier-silent": (
            "служба передавання не повідомляє про себе",
            "the delivery service has said nothing of itself",
        ),
        "alert-ups-silent": ("ДБЖ не відповідає", "the UPS is not heard"),
        "alert-ups-on-battery": ("немає живлення, працює ДБЖ", "no mains power, the UPS runs on its battery"),
        "alert-ups-battery-low": (
            "акумулятор ДБЖ майже розряджено",
            "the battery of the UPS is nearly empty",
        ),
        "alert-ups-battery-worn": ("акумулятор ДБЖ треба замінити", "the UPS asks for another battery"),
        "alert-ups-overloaded": ("ДБЖ перевантажено", "the UPS is overloaded"),
        "alert-vault-nearly-full": ("у сховищі закінчується місце", "the vault is nearly full"),
        "alert-vault-trouble": (
            "відеозапис не вдалося записати у сховище",
            "a recording could not be written into the vault",
        ),
        "alert-vault-away": ("сховище недоступне", "the vault is not there"),
        "alert-vault-unreadable": (
            "відеозапис у сховищі не читається",
            "a recording in the vault cannot be read",
        ),
        "alert-manifest-missing": (
            "опису відеозапису немає на диску",
            "the manifest of a recording is not on the disk",
        ),
        "alert-clock-unknown": (
            "час станції ненадійний",
            "the station’s time cannot be relied on",
        ),
        "alert-ledger-trouble": (
            "журнал подій пошкоджено або не записується",
            "the ledger is damaged or cannot be written",
        ),
        "alert-checkpoint-unsigned": (
            "контрольну точку журналу подій не підписано",
            "a checkpoint of the ledger is not signed",
        ),
        "alert-roster-missing": ("немає переліку осіб", "there is no roster"),
        "alert-roster-invalid": ("новий перелік осіб не прийнято", "a new roster was not accepted"),
        "alert-roster-expired": ("перелік осіб більше не діє", "the roster is no longer valid"),
        "alert-schedule-missing": ("немає графіка чергувань", "there is no duty schedule"),
        "alert-schedule-invalid": (
            "новий графік чергувань не прийнято",
            "a new duty schedule was not accepted",
        ),
        "alert-schedule-expired": (
            "графік чергувань більше не діє",
            "the duty schedule is no longer valid",
        ),
        "alert-papers-late": ("документ прострочено", "a paper is late"),
        "alert-papers-due": ("строк документа спливає", "a paper is soon due"),
        "alert-return-unconfirmed": (
            "повернення відеокамери не підтверджено",
            "the return of a camera is not confirmed",
        ),
        "alert-port-open": ("USB-порт слота не вдалося закрити", "the USB port of a slot could not be shut"),
        "alert-handover-unsigned": (
            "приймання-передачу підписали не обидві особи",
            "a handover is not signed by both persons",
        ),
        "alert-works-long": (
            "регламентні роботи наближаються до 24 годин",
            "works will soon have taken 24 hours",
        ),
        "alert-works-long-over": (
            "регламентні роботи тривають понад 24 години",
            "works have taken more than 24 hours",
        ),
        "alert-works-due": (
            "настав строк планових регламентних робіт",
            "planned works are due",
        ),
        "alert-works-unentered": (
            "відеокамера на роботах, яких немає в журналі",
            "a camera is in works that no entry tells",
        ),
        "alert-update-unannounced": (
            "версія змінилася, а роботи не оголошено",
            "the version has changed and no works announced it",
        ),
        "about-dock": ("док-станція {name}", "dock {name}"),
        "about-reader": ("зчитувач {name}", "reader {name}"),
        "about-slot": ("слот {name}", "slot {name}"),
        "about-number": ("відеокамера інв. № {name}", "camera inv. No {name}"),
        "about-serial": ("№ {name}", "No {name}"),
        "about-recording": ("відеозапис {name}", "recording {name}"),
        "about-works": ("роботи {name}", "works {name}"),
        "about-sheet": ("аркуш {name}", "sheet {name}"),
        "about-matter": ("щодо {name}", "about {name}"),
        "about-station": ("програмне забезпечення док-станції", "software of the dock station"),
        # findings of coverage
        "found-late": (
            "перший запис через {minutes} хв після видачі*",
            "first recording {minutes} min after the issue*",
        ),
        "found-gap": ("без запису {minutes} хв*", "no recording for {minutes} min*"),
        "break": ("може бути особистою перервою", "may be a private break"),  # what the star says
        "found-overlap": ("записи накладаються на {minutes} хв", "recordings overlap by {minutes} min"),
        "found-clock-off": (
            "{how}: похибка при видачі {before}, при поверненні {after}, ± {bound} с",
            "{how}: error when taken {before}, when brought back {after}, ± {bound} s",
        ),
        "off-reset": ("годинник відеокамери почав відлік наново", "the camera’s clock has begun anew"),
        "off-jumped": (
            "стрибок годинника відеокамери, час відеозаписів може бути хибним",
            "the camera’s clock has moved, times of its recordings may be wrong",
        ),
        "off-off": ("годинник відеокамери неточний", "the camera’s clock is off"),
        "days": ("{value} діб", "{value} days"),
        "hours": ("{value} год", "{value} h"),
        "seconds": ("{value} с", "{value} s"),
        "found-after-shift": (
            "запис після кінця зміни, {minutes} хв, служба могла тривати",
            "recorded after the shift’s end, {minutes} min, duty may have gone on",
        ),
        "found-missing-number": ("бракує номерів {numbers}", "numbers {numbers} are missing"),
        "found-clock-jump": ("стрибок годинника відеокамери", "the camera's clock jumped"),
        "found-medium-changed": ("носій змінено або відформатовано", "medium changed or formatted"),
        "found-untimed": ("час невідомий ({why}): {recordings}", "time not known ({why}): {recordings}"),
        "perhaps": (
            "можливо, там відеозапис, час якого невідомий",
            "perhaps a recording is there whose time is not known",
        ),
        "at-least": ("не менше {value}", "at least {value}"),
        "unknown-no-length": ("тривалості не вказано", "its length is not told"),
        "unknown-no-clock": ("годинник відеокамери не виміряно", "the camera’s clock was not measured"),
        "own-clock": (
            "за годинником відеокамери, який не виміряно: похибка невідома",
            "by the camera’s clock, which was not measured: its error is not known",
        ),
        "unknown-no-date": ("файл без дати", "the file has no date"),
        "found-outside-issue": (
            "запис поза видачею, {minutes} хв",
            "recorded outside the issue, {minutes} min",
        ),
    }
)
KEYS = frozenset(_TABLE)


def say(key: str, lang: Lang, **fields: object) -> str:
    """Return a text. Raises KeyError: none of that name, or a field is missing; both are defects."""
    return _TABLE[key][0 if lang is Lang.UK else 1].format_map(fields)


def word(key: str, lang: Lang) -> str:
    """Return the word for a value of the ledger, or the value itself where a newer one is not in the table."""
    return _TABLE[key][0 if lang is Lang.UK else 1] if key in _TABLE else key


def of(prefix: str, value: str, lang: Lang) -> str:
    """As `word`, for a value whose name without the prefix is more to a reader than one with it."""
    return word(f"{prefix}-{value}", lang) if f"{prefix}-{value}" in _TABLE else value
