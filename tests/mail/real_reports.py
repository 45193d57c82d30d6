"""Reports as the servers that students have mailboxes at write them, French where they are; addresses are made up."""

from base64 import b64encode

MESSAGE_ID = "<message-1@example.org>"
TO = "zoe.lefebvre@etu.univ-exemple.fr"

_POSTFIX = f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.univ-exemple.fr (Mail Delivery System)
Subject: =?utf-8?q?Message_non_distribu=C3=A9_retourn=C3=A9_=C3=A0_l'exp=C3=A9diteur?=
To: idp@example.org
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="7D343BA2A5.1/mx.univ-exemple.fr"
Message-Id: <20261130183724.83C37BA2AA@mx.univ-exemple.fr>

This is a MIME-encapsulated message.

--7D343BA2A5.1/mx.univ-exemple.fr
Content-Description: Notification
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Désolé, votre message n’a pas pu être remis à l’un de ses destinataires.

--7D343BA2A5.1/mx.univ-exemple.fr
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.univ-exemple.fr
X-Postfix-Queue-ID: 7D343BA2A5
X-Postfix-Sender: rfc822; idp@example.org
Arrival-Date: Mon, 30 Nov 2026 19:37:24 +0100 (CET)

Final-Recipient: rfc822; {TO}
Original-Recipient: rfc822;{TO}
Action: failed
Status: 5.1.1
Remote-MTA: dns; imap.univ-exemple.fr
Diagnostic-Code: smtp; 550 5.1.1 <{TO}>: Recipient address rejected: User
    unknown in virtual mailbox table

--7D343BA2A5.1/mx.univ-exemple.fr
Content-Description: Undelivered Message
Content-Type: message/rfc822
Content-Transfer-Encoding: 8bit

Return-Path: <idp@example.org>
Subject: =?utf-8?q?123456_est_votre_code_de_connexion_=C3=A0_UNESS?=
To: {TO}
Message-ID: {MESSAGE_ID}

Votre code : 123456
--7D343BA2A5.1/mx.univ-exemple.fr--
"""
_EXCHANGE_BEGINS = f"""\
From: <postmaster@univ-exemple.onmicrosoft.com>
To: <idp@example.org>
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="0d1b-44cc"
Content-Language: fr-FR
Message-ID: <0d1b@PR3P.eurprd02.prod.outlook.com>
In-Reply-To: {MESSAGE_ID}
References: {MESSAGE_ID}
Subject: =?utf-8?B?Tm9uIHJlbWlz?=
Auto-Submitted: auto-replied

--0d1b-44cc
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="a11e"

--a11e
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: base64

{b64encode("Votre message n’a pas pu être remis.".encode()).decode()}
--a11e
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

<html><p>Votre message n=E2=80=99a pas pu =C3=AAtre remis.</p></html>
--a11e--

--0d1b-44cc
Content-Type: message/delivery-status

Reporting-MTA: dns;PR3P191MB0001.EURP191.PROD.OUTLOOK.COM
Received-From-MTA: dns;mail.example.org
Arrival-Date: Mon, 30 Nov 2026 18:37:24 +0000

Final-Recipient: rfc822;{TO}
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup
X-Display-Name: {TO}

"""
_OUR_HEADERS = f"Received: from mail.example.org\nMessage-ID: {MESSAGE_ID}\nTo: <{TO}>\n"
_EXCHANGE_HEADERS = f"""\
--0d1b-44cc
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: base64

{b64encode(_OUR_HEADERS.encode()).decode()}
"""
_GMAIL = f"""\
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: idp@example.org
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: {MESSAGE_ID}
In-Reply-To: {MESSAGE_ID}
X-Failed-Recipients: {TO}
Message-ID: <6567.1c2e@mx.google.com>
Content-Type: multipart/report; boundary="000000000000a1"; report-type=delivery-status

--000000000000a1
Content-Type: multipart/related; boundary="000000000000a2"

--000000000000a2
Content-Type: multipart/alternative; boundary="000000000000a3"

--000000000000a3
Content-Type: text/plain; charset="UTF-8"

** Adresse introuvable **
--000000000000a3--
--000000000000a2
Content-Type: image/png; name="icon.png"
Content-Transfer-Encoding: base64
Content-ID: <icon.png>

iVBORw0KGgo=
--000000000000a2--

--000000000000a1
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com
Arrival-Date: Mon, 30 Nov 2026 10:37:24 -0800 (PST)
X-Original-Message-ID: {MESSAGE_ID}

Final-Recipient: rfc822; {TO}
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552-5.2.2 The recipient's inbox is out of storage space.
 552 5.2.2 Please direct them to clear it.
Last-Attempt-Date: Mon, 30 Nov 2026 10:37:25 -0800 (PST)

--000000000000a1
Content-Type: message/rfc822

Message-ID: {MESSAGE_ID}
To: {TO}

----- Message truncated -----
--000000000000a1--
"""
_EXIM = f"""\
X-Failed-Recipients: {TO}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.univ-exemple.fr>
To: idp@example.org
References: {MESSAGE_ID}
Content-Type: multipart/report; report-type=delivery-status; boundary=1764527844-eximdsn-1804289383
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender

--1764527844-eximdsn-1804289383
Content-type: text/plain; charset=us-ascii

A message that you sent could not be delivered to one or more of its recipients.

--1764527844-eximdsn-1804289383
Content-type: message/delivery-status

Reporting-MTA: dns; mx.univ-exemple.fr

Action: failed
Final-Recipient: rfc822;{TO}
Status: 5.0.0
Remote-MTA: dns; imap.univ-exemple.fr
Diagnostic-Code: smtp; 550 Utilisateur inconnu

--1764527844-eximdsn-1804289383
Content-type: text/rfc822-headers

Return-path: <idp@example.org>
Message-ID: {MESSAGE_ID}

--1764527844-eximdsn-1804289383--
"""
# By whom, and what it says.
RETURNED = {
    "postfix": (_POSTFIX, "5.1.1", "User unknown in virtual mailbox table"),
    "exchange": (_EXCHANGE_BEGINS + "--0d1b-44cc--\n", "5.1.10", "RecipientNotFound"),
    "exchange, headers alone": (
        _EXCHANGE_BEGINS.replace(f"In-Reply-To: {MESSAGE_ID}\nReferences: {MESSAGE_ID}\n", "")
        + _EXCHANGE_HEADERS
        + "--0d1b-44cc--\n",
        "5.1.10",
        "RecipientNotFound",
    ),
    "gmail": (_GMAIL, "5.2.2", "out of storage space"),
    "exim": (_EXIM, "5.0.0", "Utilisateur inconnu"),
}

_FEEDBACK = f"""\
From: <staff@hotmail.example>
To: idp@example.org
Subject: complaint about message from 192.0.2.1
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="arf"

--arf
Content-Type: text/plain

This is an email abuse report.
--arf
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Complaints/1.0
Version: 1
Original-Rcpt-To: {TO}

--arf
Content-Type: message/rfc822

Message-ID: {MESSAGE_ID}
To: {TO}

Votre code : 123456
--arf--
"""
_HOLIDAY = f"""\
From: {TO}
To: idp@example.org
In-Reply-To: {MESSAGE_ID}
References: {MESSAGE_ID}
Subject: =?utf-8?q?R=C3=A9ponse_automatique?=
Auto-Submitted: auto-replied (vacation)

Je suis absente.
"""
# A complaint (RFC 5965), a receipt (RFC 8098), a holiday reply: the mail arrived.
ARRIVED = {
    "complaint": _FEEDBACK,
    "receipt": _FEEDBACK.replace("feedback-report", "disposition-notification"),
    "holiday reply": _HOLIDAY,
}
