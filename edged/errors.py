"""Every failure a person can meet, with a code that never changes.

A code is ``E`` and four digits; the first digit says where to look:

    1 dock hardware      2 camera                 3 network and centre   4 configuration and lists
    5 host, disk, clock  6 ledger and signing     7 access and persons   9 a defect in edged

Codes are never reused and never change meaning; a withdrawn one stays in RETIRED.
Programming mistakes are plain TypeError, ValueError, RuntimeError: nobody handles them.
A leaf: it imports nothing of ours, so that drivers and the courier can raise from the same table.
"""

from enum import Enum
from typing import ClassVar, TypeAlias

Fact: TypeAlias = str | int | float | bool


class ErrorCode(Enum):
    """(number, what a person reads, what a person can do)."""

    # 1 dock hardware
    DOCK_SILENT = (
        1001,
        "The dock controller does not answer",
        "Check the cable between controller and computer; power the dock off and on.",
    )
    DOCK_VERSION = (
        1002,
        "The dock controller speaks another protocol version",
        "Update the dock firmware, or edged, so that both versions named in the details agree.",
    )
    DOCK_REFUSED = (
        1003,
        "The dock controller refused a command",
        "Look at the reason in the details; a latched fault is cleared with the slot empty.",
    )
    DOCK_FOREIGN = (
        1004,
        "Something on the dock controller's line does not know the station's key",
        "Check that the controller is the commissioned one; issue stays closed until it proves itself.",
    )
    LINE_GONE = (
        1005,
        "A serial line went away",
        "Check the plug; the station opens the line again by itself.",
    )
    LINE_BUSY = (
        1006,
        "A serial line is held by another program",
        "Stop the program that holds the line (often ModemManager), or correct the path.",
    )
    DOCK_COUNTERS_BACK = (
        1007,
        "The dock controller's counters went backwards",
        "The board was replaced or tampered with: find out which, and enter it.",
    )
    DOCK_PROTOCOL = (
        1008,
        "The dock controller reported something that cannot be",
        "Look at the details; if it repeats, the controller's firmware or a sensor is faulty: replace it.",
    )
    READER_SILENT = (
        1101,
        "The badge reader does not answer",
        "Check the reader's cable; cameras can be returned but not taken until it is back.",
    )
    READER_VERSION = (
        1102,
        "The badge reader speaks another protocol version",
        "Replace the reader or its firmware; both versions stand in the details.",
    )
    READER_FOREIGN = (
        1103,
        "Something on the badge reader's line does not know the station's key",
        "Check that the reader is the commissioned one; its badges count for nothing until it proves itself.",
    )
    READER_TAMPER = (
        1104,
        "The housing of a badge reader was opened",
        "Look at the reader; issue goes on, but a badge may be listened to.",
    )
    SLOT_FAULT = (
        1201,
        "A slot is out of use because of a fault",
        "Empty the slot, remove the cause named in the details, then: edgectl slots clear-fault N.",
    )
    SLOT_FORCED = (
        1202,
        "A camera was torn out of a locked slot",
        "Find the camera; complete the draft incident.",
    )

    PORT_FAULT = (
        1203,
        "A slot's USB port cannot be opened, closed or switched",
        "Look at the reason in the details and at systemctl status edged-ports. Where the alert is port-open, take out "
        "what is plugged in: the port may not be shut.",
    )

    # 2 camera
    CAMERA_LOST = (
        2001,
        "The camera left the bus in mid-work",
        "Put the camera back; work resumes where it stopped.",
    )
    CAMERA_SILENT = (
        2002,
        "The camera does not answer in time",
        "The slot is power-cycled by itself; if it repeats, take the camera to the technician.",
    )
    CAMERA_REFUSED = (
        2003,
        "The camera refused a command",
        "See the camera's own code in the details; a recording in progress must be ended first.",
    )
    CAMERA_PASSWORD = (
        2004,
        "The camera does not accept the station's password",
        "Set the password of the configuration in the camera, or correct the configuration.",
    )
    CAMERA_PROTOCOL = (
        2005,
        "The camera sent bytes that its protocol does not allow",
        "Quarantine the camera and read the details; its recordings stay aboard.",
    )
    CAMERA_NO_CARD = (
        2006,
        "The camera reports no memory card",
        "Open the camera's service cover, or send it to repair.",
    )
    CAMERA_UNKNOWN = (
        2007,
        "The camera is not in the station's list",
        "Add it to the configuration with its inventory number, or take it out.",
    )
    CAMERA_TWIN = (
        2008,
        "Two cameras show the same serial number",
        "Take both out; one is a copy or was given a wrong number. Nothing is cleared on either.",
    )
    CAMERA_NO_IDENTITY = (
        2009,
        "The camera has no usable serial number",
        "Its recordings are kept, nothing is cleared; give it a serial number or replace it.",
    )
    CAMERA_FORBIDDEN_INTERFACE = (
        2010,
        "The device offers interfaces that a camera must not have",
        "Take the device out at once; keep it for inspection.",
    )
    CAMERA_MEDIA = (
        2011,
        "A part of the camera's memory cannot be read",
        "The readable part is kept and marked DAMAGED; nothing is cleared. Send the camera to repair.",
    )
    CAMERA_FILESYSTEM = (
        2012,
        "The file system of the camera's card is damaged or unknown",
        "What could be read is kept; nothing is cleared. Send the camera to the technician.",
    )
    CAMERA_CLOCK = (
        2013,
        "The camera's clock is off and cannot be corrected",
        "The camera is not issued; see the measured offset in the details.",
    )
    CAMERA_CHANGED = (
        2014,
        "A recording aboard changed between two reads",
        "Nothing is cleared; the station reads it again. If it repeats, send the camera to repair.",
    )
    CLEAR_FAILED = (
        2015,
        "Clearing the camera failed",
        "All recordings are safe; the camera is tried again at the next docking.",
    )

    # 3 network and centre
    CENTRE_GONE = (
        3001,
        "The centre cannot be reached",
        "Check the network; recordings wait in the vault and nothing is lost.",
    )
    CENTRE_KEY_CHANGED = (
        3002,
        "The centre's host key is not the pinned one",
        "Have the centre confirm the new key on another way; only then change the configuration.",
    )
    CENTRE_AUTH = (
        3003,
        "The centre does not accept the station's login",
        "Ask the centre whether the station's key is still entered there.",
    )
    CENTRE_FULL = (
        3004,
        "The centre has no space left",
        "Tell the centre; delivery goes on by itself when there is space.",
    )
    CENTRE_REFUSED = (
        3005,
        "The centre refused one recording",
        "The recording is HELD and kept; see the centre's reason in the details. Others go on.",
    )
    CENTRE_BUSY = (
        3006,
        "The centre answered that it is busy",
        "Nothing to do; the station tries again later.",
    )
    CENTRE_PROTOCOL = (
        3007,
        "The centre's server answered against its protocol",
        "Tell the centre; the station connects again by itself.",
    )
    TRANSFER_STALLED = (
        3008,
        "A transfer made no progress and was given up",
        "Check the line; the station resumes from what is proved to be there.",
    )
    RECEIPT_BAD = (
        3009,
        "A receipt is not genuine or belongs to another recording",
        "Nothing is cleared because of it. Tell the security administrator.",
    )
    COUNTERSIGN_BAD = (
        3010,
        "A countersigned checkpoint is not genuine",
        "Nothing is cleared because of it. Tell the security administrator.",
    )
    REFERENCE_BAD = (
        3012,
        "A request to refer a recording to a case is not genuine or belongs to another recording",
        "Nothing is entered because of it. Tell the security administrator; the centre takes the request back.",
    )
    UPS_SILENT = (
        3014,
        "The UPS is not heard",
        "See the reason; the NUT server has to run (systemctl status nut-server) and to know the UPS by this name.",
    )
    UPS_ON_BATTERY = (
        3015,
        "The UPS runs on its battery: there is no mains power",
        "Find out how long it lasts (battery runtime in edgectl status). A cut loses nothing that is sealed.",
    )
    UPS_BATTERY_LOW = (
        3016,
        "The battery of the UPS is nearly empty",
        "Shut the host down in order if mains power does not come back: systemctl poweroff.",
    )
    UPS_BATTERY_WORN = (
        3017,
        "The UPS asks for another battery",
        "Have the battery exchanged; these are works (edgectl works start).",
    )
    UPS_OVERLOADED = (3018, "The UPS is overloaded", "Take from it what does not belong to the complex.")
    COURIER_SILENT = (
        3013,
        "The courier has said nothing of itself for an hour",
        "See systemctl status edged-sync and its journal; recordings wait in the vault and nothing is lost.",
    )
    CENTRE_CLOCK = (
        3011,
        "The clocks of centre and station contradict each other",
        "Find out which of the two is wrong. Receipts count all the same; their times change nothing here.",
    )

    # 4 configuration and lists
    CONFIG_INVALID = (
        4001,
        "The configuration is not valid",
        "Correct the entry named in the details; the last good configuration stays in force.",
    )
    CONFIG_MISSING = (
        4002,
        "There is no configuration",
        "Write the file first; docs/configuration.md names every setting.",
    )
    CONFIG_DANGEROUS = (
        4003,
        "The configuration asks for something that needs a written decision",
        "Enter number and date of the decision beside the setting, or take the setting out.",
    )
    NOT_COMMISSIONED = (
        4004,
        "The station is not commissioned",
        "Commission it: edgectl station init. If it was commissioned before, find the disk of its state first.",
    )
    ROSTER_INVALID = (
        4101,
        "The roster's signature or content is not valid",
        "The last good roster stays in force; get a new one from the authority.",
    )
    ROSTER_OLDER = (
        4102,
        "The roster is older than the one in force",
        "The last good roster stays in force; get the newest one from the authority.",
    )
    ROSTER_EXPIRED = (
        4103,
        "The roster is no longer valid",
        "Get a new roster from the authority; until then badges are refused.",
    )
    ROSTER_FOREIGN = (
        4104,
        "The roster belongs to another customs body",
        "Get the roster of this station's customs body.",
    )
    SCHEDULE_INVALID = (
        4105,
        "The duty schedule's signature or content is not valid",
        "The last good schedule stays in force; get a new one from the authority. Issues are flagged, none is refused.",
    )
    SCHEDULE_OLDER = (
        4106,
        "The duty schedule is older than the one in force",
        "The last good schedule stays in force; get the newest one from the authority.",
    )
    SCHEDULE_EXPIRED = (
        4107,
        "The duty schedule is no longer valid",
        "Get the next schedule from the authority; until then issues are flagged, none is refused.",
    )
    SCHEDULE_FOREIGN = (
        4108,
        "The duty schedule belongs to another customs post",
        "Get the schedule of this station's post.",
    )

    # 5 host, disk, clock
    DISK_FULL = (
        5001,
        "The disk has no space left",
        "Restore the link to the centre or add a disk; nothing unconfirmed is ever deleted.",
    )
    DISK_READ_ONLY = (
        5002,
        "The disk is read-only",
        "Look for disk errors in journalctl -k; recordings stay on the cameras meanwhile.",
    )
    DISK_FAULT = (
        5003,
        "The disk reported an error",
        "Replace the disk soon; the copy concerned is given up and made anew.",
    )
    VAULT_UNFIT = (
        5004,
        "The folder of the vault is not fit for evidence",
        "Mount the evidence disk where [vault] path points (findmnt shows what lies there), then systemctl restart "
        "edged. A memory file system, an empty folder and the disk of another station are refused.",
    )
    READ_BACK_DIFFERS = (
        5005,
        "What lies on the disk is not what was written",
        "The copy is given up and made anew; replace the disk if it repeats.",
    )
    CLOCK_UNKNOWN = (
        5101,
        "The host's time cannot be relied on",
        "Restore time synchronisation, or confirm the clock: edgectl clock confirm.",
    )
    ALREADY_RUNNING = (
        5201,
        "Another edged runs on the same state",
        "Stop the other one first: systemctl status edged.",
    )
    SERVICE_GONE = (
        5202,
        "The daemon does not answer on its control socket",
        "Look at: systemctl status edged; journalctl -u edged.",
    )
    PROCESS_DIED = (
        5203,
        "A helper process ended unexpectedly",
        "It is started again by itself; the details name it. Report it if it repeats.",
    )

    # 6 ledger and signing
    LEDGER_CORRUPT = (
        6001,
        "The ledger is damaged or was altered",
        "Clearing is stopped, copying goes on. Keep the disk as it is and tell the security administrator.",
    )
    LEDGER_MISSING = (
        6002,
        "The ledger is not there although the station was commissioned",
        "Find the disk with the ledger; a new beginning needs a new commissioning.",
    )
    LEDGER_BEHIND = (
        6003,
        "The ledger is shorter than its last checkpoint",
        "Clearing is stopped, copying goes on. This is how a rollback looks: tell the security administrator.",
    )
    LEDGER_NEWER = (
        6004,
        "The ledger was written by a newer version",
        "Install the newer version again; this one does not touch it.",
    )
    KEY_UNUSABLE = (
        6101,
        "A key file is missing, unreadable or open to others",
        "Correct owner and mode (0600) of the file named in the details.",
    )
    SIGNATURE_BAD = (
        6102,
        "A signature is not valid",
        "Do not rely on the document; get it again from its source.",
    )
    FORMAT_BAD = (
        6103,
        "A document does not have the form it must have",
        "Do not rely on the document; get it again from its source.",
    )
    KEY_CHANGE_UNFINISHED = (
        6105,
        "The ledger names another signing key than the one that is here",
        "A change of keys was cut off: stop edged, give `edgectl station rekey` as root, start edged.",
    )
    PROOF_BAD = (
        6104,
        "The proof does not hold",
        "File, proof or key do not belong together, or one of them was altered.",
    )

    # 7 access and persons
    NOT_ALLOWED = (
        7001,
        "This account may not do that",
        "Ask a person with the role named in the details.",
    )
    BAD_REQUEST = (
        7002,
        "The request is not complete or not valid",
        "See the details for what is expected.",
    )
    NOT_FOUND = (7003, "There is nothing of that name", "Check the name; list with edgectl.")
    CONFLICT = (
        7004,
        "The request does not fit the present state",
        "See the details; look at edgectl status.",
    )

    SWITCHED_OFF = (
        7050,
        "The configuration does not let anybody do that",
        "It takes a document that decides on it, and the section named in the details; then start edged again.",
    )

    BADGE_STORM = (
        7005,
        "Somebody tries one badge after another",
        "Look who stands at the reader named in the details; officers' badges go on working.",
    )
    CAMERA_NOT_RETURNED = (
        7006,
        "A camera is out after the end of the shift that it was taken for",
        "Ask the officer in the details; the incident is drafted: edgectl incident list.",
    )
    PAPER_LATE = (
        7007,
        "A notice, memo or letter is late",
        "See which, and by whom: edgectl paper list; print its draft: edgectl paper draft.",
    )
    PAPER_DUE = (
        7040,
        "A notice, memo or letter is due soon",
        "See which, and by whom: edgectl paper list; print its draft: edgectl paper draft.",
    )
    WORKS_NEAR_24H = (
        7008,
        "Works will soon have taken 24 hours",
        "End them, or prepare the deputy head's letter: edgectl paper draft overrun-letter.",
    )
    WORKS_OVER_24H = (
        7009,
        "Works have taken more than 24 hours",
        "The deputy head writes to the head of the customs body and the heads of the users' units: edgectl paper draft "
        "overrun-letter.",
    )
    WORKS_NOT_ENTERED = (
        7013,
        "A camera is in works that no entry of the maintenance journal tells",
        "Enter them (edgectl works start), or end the mark: edgectl camera works SERIAL --end.",
    )
    WORKS_DUE = (
        7014,
        "Planned works of the operating manual are due",
        "The technical administrator announces them to the head of the post (edgectl paper draft works-letter, with "
        "the entry in the details), carries them out and enters them: edgectl works start --entry, with the letter's "
        "number.",
    )
    UPDATE_UNANNOUNCED = (
        7015,
        "Software runs in another version than before, and no works have announced it",
        "The account administrator enters them, with grounds and both versions: edgectl works start --entry, with the "
        "entry in the details, then works end. If nobody has updated it, tell the security administrator.",
    )
    CAMERA_ANOTHER = (
        7016,
        "A camera describes itself on the bus in another way than when it was docked before, and no works have "
        "announced an update",
        "If its firmware was updated, the account administrator enters the works: edgectl works start --entry, with "
        "the entry in the details, then works end. If it was not, tell the security administrator: it may be another "
        "device under the serial number of the camera.",
    )
    HANDOVER_UNSIGNED = (
        7010,
        "A handover is not signed by both responsible persons",
        "Have the sheet in the details signed, and attach the signature: edgectl journal sign.",
    )
    SHEET_UNSIGNED = (
        7041,
        "The file does not hold one signature over this sheet",
        "Sign the sheet's JSON file as edgectl journal print has written it, each person alone, detached (CMS, DER), "
        "and attach that signature.",
    )
    RETURN_UNCONFIRMED = (
        7060,
        "A returned camera waits for the responsible person's confirmation",
        "Look whether the camera in the details works and is there, then tap the responsible person's badge: it "
        "confirms all that wait. One alone: edgectl return confirm --issue, with the issue in the details.",
    )
    IMPORT_UNFINISHED = (
        7011,
        "Recovered data was accepted but is not in the vault",
        "Remove the cause named when it was entered, then enter it once more: edgectl import recovered; the file is "
        "where it was.",
    )

    SCANS_UNREAD = (
        7012,
        "Files of the watched folder are not in the vault",
        "See the reason; every file stays where it is and is tried again. Images that are in the vault may be moved "
        "into the archive.",
    )

    # 9 defects
    DEFECT = (9001, "A defect in edged", "Report it with the journal of the last hour.")

    def __init__(self, number: int, text: str, remedy: str) -> None:
        self.number, self.text, self.remedy = number, text, remedy

    @property
    def label(self) -> str:
        """``E1001``: how the code is written everywhere."""
        return f"E{self.number}"


RETIRED: frozenset[int] = frozenset()


class EdgeError(Exception):
    """Root of all expected failures. Catch it only where a failure becomes a state or an answer.

    Raise it as ``EdgeError(ErrorCode.X, fact=…)`` or as a subclass where callers must tell it apart.

    Attributes:
        code: stable identity; what programs and translations go by.
        detail: facts for the log, in plain types.
    """

    default: ClassVar[ErrorCode | None] = None

    def __init__(self, code: ErrorCode | None = None, /, **detail: Fact) -> None:
        chosen = code or self.default
        if chosen is None:
            raise TypeError("an EdgeError needs a code")
        self.code = chosen
        self.detail = detail
        super().__init__(str(self))

    def __str__(self) -> str:
        facts = " ".join(f"{k}={v!r}" for k, v in self.detail.items())
        return f"{self.code.label} {self.code.text}" + (f" ({facts})" if facts else "")


class LinkGoneError(EdgeError):
    """The device behind a link went away: unplugged, reset, powered off.

    The one name for ENODEV, EIO, ESHUTDOWN, pyserial's "readiness but no data" and pyusb's pipe
    errors. Every later call on the same link raises it too.
    """

    default = ErrorCode.LINE_GONE


class CameraError(EdgeError):
    """Anything a camera did or did not do; the slot decides what follows."""

    default = ErrorCode.CAMERA_PROTOCOL


class CameraLostError(CameraError):
    """The camera is no longer on the bus."""

    default = ErrorCode.CAMERA_LOST


class FormatError(EdgeError):
    """Foreign bytes that are not what they should be."""

    default = ErrorCode.FORMAT_BAD


class SignatureError(EdgeError):
    """A signature that does not verify, or is by another key."""

    default = ErrorCode.SIGNATURE_BAD


class DiskError(EdgeError):
    """A disk that did not do what was asked; ``detail["errno"]`` has the kernel's number."""

    default = ErrorCode.DISK_FAULT


class ConfigError(EdgeError):
    """A setting that is not understood or not allowed; ``detail`` names file, key, expectation."""

    default = ErrorCode.CONFIG_INVALID
