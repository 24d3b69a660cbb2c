"""The judge of words and codes: what is said of a recipient, and what of the sender, a directory or a full mailbox."""

from __future__ import annotations

import re

import pytest

from newsletter.bounces.classify import Diagnostic, classify
from newsletter.bounces.phrase_lists import sections
from newsletter.bounces.reasons import EFFECTS, Effect, Reason

PHASES = ["", " (in reply to RCPT TO command)", " (in reply to end of DATA command)"]


def effect(words: str, phase: str = "", loose: bool = False) -> Effect:
    reason, temporary = classify(Diagnostic(words, f"{words}{phase}", "5.0.0", loose=loose))
    return Effect.NOTHING if temporary else EFFECTS[reason]


#: A server that could not ask another one, or its directory.
CALLOUT = """
550 5.1.1 rejected: undeliverable address: lost connection with mx.example[192.0.2.7] while receiving the greeting
550 5.1.1 <a@b.example>: undeliverable address: conversation with mx.example[192.0.2.7] timed out at RCPT TO
550 5.1.1 <a@b.example>: Recipient address rejected: unverified address: host or domain name not found, try again
550 5.1.1 Could not verify recipient, LDAP server unavailable
550 5.1.1 LDAP server is down
550 5.1.0 user database temporarily unavailable
550 5.1.1 Recipient lookup failed: connection to Active Directory timed out
550 5.1.1 Could not complete recipient verify callout
550 5.1.1 callout verification: no response from mail store
550 5.1.1 The address could not be checked; try later
550 5.1.1 recipient verification timed out
550 5.1.1 unable to verify user, backend not responding
550 5.1.1 The recipient server did not answer
550 5.1.1 call-ahead to the mail server failed: connection refused
550 5.1.1 Empfänger konnte nicht geprüft werden: Verzeichnisdienst nicht erreichbar
550 5.1.1 database error while looking up recipient
550 5.1.1 the ldap server could not be reached, recipient not checked
550 5.1.1 recipient check failed, please retry
550 5.1.1 Address verification server is offline
550 5.1.1 internal error while validating recipient
550 5.3.0 no answer from the mailbox server
550 5.1.1 mail store is not reachable
550 5.1.1 connection to the backend refused
550 5.1.1 timeout waiting for the directory
550 5.1.1 lookup of the recipient timed out
550 5.1.1 Recipient could not be verified at this time
550 5.1.1 unable to route: next hop mx2.example did not answer
550 5.1.1 DNS timeout while looking up the recipient's domain
550 5.4.4 name server timed out
550 5.1.2 temporary DNS failure for b.example
550 5.1.1 cannot ask the mail store for this recipient
550 5.1.1 directory service not running
550 5.1.1 directory not readable
550 5.1.1 the directory is being rebuilt
550 5.1.1 the directory server is restarting
550 5.1.1 Active Directory could not be contacted
550 5.1.1 ldap_search failed
550 5.1.1 user store not available
550 5.1.1 user store unreachable
550 5.1.1 getpwnam failed
550 5.1.1 delivery host could not be asked
550 5.1.1 backend failure
550 5.1.1 the internal mail host is off-line
550 5.1.1 mail host of recipient is offline
550 5.1.1 upstream server returned 451
550 5.1.1 no connection to the mailbox server
550 5.1.1 connect failed
550 5.1.1 recipient check aborted
550 5.1.1 recipient check skipped, server busy
550 5.1.1 recipient not checked
550 5.1.1 recipient status unknown: server down
550 5.1.2 name servers unreachable
550 5.1.2 DNSSEC validation failed
550 5.1.2 could not contact DNS servers
550 5.4.4 unable to route: DNS SERVFAIL
550 5.1.1 disk error while reading the user list
550 5.1.1 I/O error reading mailbox
550 5.1.1 config error: user table missing
550 5.1.1 regex error in alias table
550 5.1.1 system maintenance
550 5.1.1 server maintenance, users unknown for now
550 5.1.1 server under maintenance
550 5.1.1 migration in progress
550 5.1.1 mailbox is being moved
550 5.1.1 mailbox migration in progress
550 5.1.1 user is being migrated
550 5.1.1 The mailbox server is restarting
550 5.1.1 transport error
550 5.1.1 mail transport unavailable
550 5.1.1 Remote server did not accept the question for this recipient: 421
550 5.1.1 <a@b.example>: Recipient address rejected: undeliverable address: unknown mail transport error
550 5.1.1 SQL error: user table unavailable
550 5.1.1 user database is locked
550 5.1.1 NIS server not responding, user unknown
550 5.1.1 Error opening directory
550 5.1.1 unable to read user record
550 5.1.1 Address could not be resolved at this time
550 5.1.1 The mailbox database is temporarily unavailable
550 5.1.1 mailbox server unavailable
550 5.1.1 DNS SERVFAIL for b.example
550 5.1.2 SERVFAIL looking up MX of b.example
550 5.1.1 all relevant MX records point to non-existent hosts or (invalidly) to IP addresses; DNS timed out
550 5.1.1 Empfänger konnte nicht überprüft werden
550 5.1.1 Die Adresse konnte derzeit nicht geprüft werden
550 5.1.1 Benutzerdatenbank nicht verfügbar
550 5.1.1 Zeitüberschreitung bei der Prüfung des Empfängers
550 5.1.1 Impossible de vérifier l'adresse du destinataire
550 5.1.1 No se pudo verificar el destinatario
550 5.1.1 Impossibile verificare il destinatario
550 5.1.1 Server di directory non raggiungibile
550 5.1.1 Não foi possível verificar o destinatário
550 5.1.1 Diretório indisponível
550 5.1.1 Nie można zweryfikować odbiorcy
550 5.1.1 Не удалось проверить адрес получателя
550 5.1.1 Сервер каталогов недоступен
550 5.1.1 Ошибка базы данных при проверке получателя
550 5.1.1 受信者を確認できませんでした
550 5.1.1 ディレクトリサーバーに接続できません
550 5.1.1 タイムアウト
550 5.1.1 无法验证收件人
550 5.1.1 目录服务器超时
550 5.1.1 无法连接目录服务器
550 5.1.1 연결 시간 초과
550 5.1.1 De ontvanger kon niet worden gecontroleerd
550 5.1.1 Recipient temporarily unavailable
550 5.1.1 not yet known, please come back in 5 minutes
550 5.1.1 server too busy to check recipients
""".strip().splitlines()

#: Full mailboxes in many words and languages, with the code of an unknown user.
FULL = """
552 5.1.1 the mailbox has no room for this message
550 5.1.1 La boîte aux lettres du destinataire est pleine
550 5.1.1 El buzón del destinatario está lleno
550 5.1.1 A caixa de correio do destinatário está cheia
550 5.1.1 Das Postfach des Empfängers ist voll
550 5.1.1 De mailbox van de ontvanger is vol
550 5.1.1 Skrzynka odbiorcy jest pełna
550 5.1.1 Skrzynka pocztowa adresata jest przepełniona
550 5.1.1 收件人邮箱已满
550 5.1.1 收件人郵箱空間不足
550 5.1.1 수신자의 메일함이 가득 찼습니다
550 5.1.1 受信者のメールボックスの容量を超えています
550 5.1.1 メールボックスが満杯です
550 5.1.1 У получателя превышена квота почтового ящика
550 5.1.1 Mottagarens inkorg är full
550 5.1.1 Alıcının posta kutusu dolu
550 5.1.1 صندوق بريد المستلم ممتلئ
550 5.1.1 Vastaanottajan postilaatikko on täynnä
550 5.1.1 Schránka příjemce je plná
550 5.1.1 user has used up all storage
550 5.1.1 recipient storage full
550 5.1.1 mail folder has reached its maximum size
550 5.1.1 account is over its allocation
550 5.1.1 inbox overflowing
552 something that nobody understands
552 5.1.0 no
550 mailbox limit reached
550 5.1.1 The user has too much mail stored
550 5.1.1 The user's storage allowance is used up
550 5.1.1 addressee's mailbox cannot take more mail, it is full
550 5.1.1 storage of this user is exhausted
550 5.1.1 the mailbox has exceeded its limit
550 5.1.1 mailbox size limit exceeded
550 5.1.1 user over limit
550 5.1.1 Mailbox quota for this user is used up
550 5.1.1 Le quota de la boîte est dépassé
550 5.1.1 Boîte de réception saturée
550 5.1.1 Espace insuffisant dans la boîte
550 5.1.1 El usuario ha superado su cuota
550 5.1.1 Casilla llena
550 5.1.1 Cuenta sin espacio disponible
550 5.1.1 Caixa postal lotada
550 5.1.1 Cota de armazenamento excedida
550 5.1.1 Speicherplatz des Empfängers erschöpft
550 5.1.1 Das Kontingent ist ausgeschöpft
550 5.1.1 Empfängerpostfach überfüllt
550 5.1.1 Kein Speicherplatz mehr im Postfach
550 5.1.1 Postvak is vol
550 5.1.1 Postkassen er full
550 5.1.1 Indbakken er fuld
550 5.1.1 Casella piena
550 5.1.1 Spazio esaurito nella casella
550 5.1.1 Ящик переполнен
550 5.1.1 Ящик получателя полон
550 5.1.1 Скринька переповнена
550 5.1.1 Przekroczono limit pojemności skrzynki
550 5.1.1 Postafiók megtelt
550 5.1.1 邮箱空间已满
550 5.1.1 对方邮箱容量已满
550 5.1.1 用户邮箱爆满
550 5.1.1 超出邮箱配额
550 5.1.1 メールボックスの空き容量がありません
550 5.1.1 容量オーバー
550 5.1.1 メールボックスが一杯です
550 5.1.1 사용자 메일함 용량 초과
550 5.1.1 Hộp thư đã đầy
550 5.1.1 กล่องจดหมายเต็ม
550 5.1.1 תיבת הדואר מלאה
550 5.1.1 Το γραμματοκιβώτιο είναι γεμάτο
550 5.1.1 Kutunun kotası doldu
550 5.1.1 Mailbox penuh
550 5.1.1 inbox is packed
550 5.1.1 overfull mailbox
550 5.1.1 recipient full
550 5.1.1 mail file full
550 5.1.1 message would overfill the mailbox
550 5.1.1 user reached 100% of his space
550 5.1.1 The recipient cannot receive mail until space is freed
550 5.1.1 space must be freed
550 5.1.1 user is out of mail space
550 5.1.1 not enough memory in the mailbox
550 5.1.1 The mailbox is overloaded
550 5.1.1 compte plein
550 5.1.1 Konto voll
550 5.1.1 Kein freier Speicher
550 5.1.1 Mailboxgröße überschritten
550 5.1.1 el destinatario superó su límite de espacio
550 5.1.1 la casella ha raggiunto la dimensione massima
550 5.1.1 posta in arrivo piena
550 5.1.1 la casella è al completo
550 5.1.1 memoria piena
550 5.1.1 armazenamento cheio
550 5.1.1 opslagruimte vol
550 5.1.1 opslaglimiet bereikt
550 5.1.1 schijfruimte op
550 5.1.1 konto odbiorcy jest pełne
550 5.1.1 lagringsutrymmet är fullt
550 5.1.1 pladsen er opbrugt
550 5.1.1 sähköposti on täynnä
550 5.1.1 postilaatikon tila loppui
550 5.1.1 schránka zaplněna
550 5.1.1 kapasitas penuh
550 5.1.1 peti mel penuh
550 5.1.1 hết dung lượng
550 5.1.1 邮箱满
550 5.1.1 空间已用完
550 5.1.1 저장 공간 부족
550 5.1.1 γραμματοκιβώτιο πλήρες
550 5.1.1 मेलबॉक्स भरा हुआ है
550 5.1.1 صندوق پر است
550 5.1.1 no free space left for this user
550 5.1.1 recipient inbox overloaded
550 5.1.1 maximum messages reached in inbox
550 5.1.1 the user's in-box is stuffed
550 5.1.1 Mailbox of user is saturated
550 5.1.1 recipient needs to clean up the mailbox before it can receive
550 5.1.1 user must delete mail before more can be received
550 5.1.1 Plus d'espace disponible dans la boîte aux lettres
550 5.1.1 Le destinataire n'a plus de place
550 5.1.1 Zu viele Nachrichten im Postfach
550 5.1.1 Das Postfach hat die maximale Größe erreicht
550 5.1.1 El destinatario no tiene espacio
550 5.1.1 La cuenta ha alcanzado su límite de almacenamiento
550 5.1.1 O destinatário excedeu o limite de armazenamento
550 5.1.1 De mailbox heeft de maximale grootte bereikt
550 5.1.1 Onvoldoende ruimte in de mailbox
550 5.1.1 Brak miejsca w skrzynce odbiorcy
550 5.1.1 Mottakerens postboks er full
550 5.1.1 Пощенската кутия на получателя е пълна
550 5.1.1 Поштанско сандуче је пуно
550 5.1.1 Poštanski sandučić je pun
550 5.1.1 Poštni predal je poln
550 5.1.1 Το γραμματοκιβώτιο του παραλήπτη είναι πλήρες
550 5.1.1 Поштова скринька отримувача заповнена
550 5.1.1 メールボックスの容量が上限に達しました
550 5.1.1 受信箱の容量が不足しています
550 5.1.1 メールボックス容量制限を超えました
550 5.1.1 ユーザーの容量制限を超過しています
550 5.1.1 邮箱容量超过限制
550 5.1.1 超过邮箱容量上限
550 5.1.1 收件人的邮箱存储空间不够
""".strip().splitlines()

#: The sender, its host, or the form of the mail.
SENDER = """
550 your domain is not on our list of accepted senders
554 sending host has no PTR record
550 we take no mail from your network
550 your HELO name is unknown
550 unknown host name in HELO
550 this is not plain text, refused
550 message has an invalid Date field
550 SPF record of papers.example.org is invalid
550 DKIM key not found
550 the From domain does not exist
550 Sender's mailbox does not exist
550 Sender mailbox unknown
550 return address is unknown here
550 envelope sender is unknown
550 The user weekly@papers.example.org is not allowed to send mail here
550 the client is not known to us
550 unknown client, refused
550 No account may receive newsletters
550 user preference policy not found
550 only members may send to this list
550 you are not known to this recipient
550 sender not known to recipient
550 your message could not be verified
550 Your address is unknown here
550 5.1.1 Your e-mail address was not found in our list of approved senders
550 TLS certificate is invalid
550 the certificate is not valid
550 Message-ID is invalid
550 illegal characters in header
550 MX record of the sender domain does not exist
550 relay access denied
550 From address is not a valid address
550 Reply-To address does not exist
550 your host is not on the list of trusted servers
550 mail from your provider is not wanted here
550 we do not know your server
550 your server's name cannot be found
550 the sender is not registered here
550 sender domain has no MX
550 the sending domain is not found
550 the return path does not exist
550 your envelope address is not valid
550 mailing software not recognized
550 header "To" is not valid
550 date in the future
550 html mail is not taken
550 This account only receives mail from known contacts
550 only authenticated users may write here
550 recipient policy does not permit mail from outside
550 No mailbox of ours takes mail with attachments
550 users of this system receive no bulk mail
550 unknown language
550 unknown charset
550 invalid greeting
550 invalid MIME structure
550 not a valid DKIM signature
550 no valid certificate found
550 address family not supported
550 user limit for sending reached
550 SPF: no such record
550 CNAME of the sender does not exist
550 address of your server is listed
550 message identifier unknown
550 the message does not exist in a known format
550 Subject not allowed
550 no such command
550 unknown encoding of the subject
550 d= domain does not exist
550 charset not known here
550 no account for this sender
550 you have no account here
550 relay user unknown
550 no such relay user
550 unknown relay user
550 the author's address does not exist
550 author domain does not exist
550 mail from non-existent domain
550 This IP does not exist in our access table
550 domain of link not found
550 image host not found
550 URL host does not exist
550 tracking domain does not exist
550 unsubscribe address does not exist
550 too many nonexistent recipients
550 dictionary attack detected; invalid user limit
550 your mail hit a non-existent trap address
550 unknown source address
550 unknown recipient header field
550 invalid recipient header
550 invalid recipients header
550 invalid number of recipients
550 invalid login
550 no such host in access list
550 sender: no such user
550 callback: no such user at your domain
550 MAIL FROM: no such user
550 bounce address unknown
550 bounce address does not exist
550 Bcc only mails are not accepted; recipient not found in To or Cc
550 recipient not found in header
550 message in a language that nobody here reads
550 5.1.1 certificate problem
550 Requested action not taken: mailbox unavailable. invalid DNS MX or A/AAAA resource record.
550-Requested action not taken: mailbox unavailable 550 Sender address has null MX
550-Requested action not taken: mailbox unavailable 550 Email address is not allowed.
550 Domain may not exist or DNS check failed
550 Unrouteable address in From: header
550 Could not resolve the domain of your address
550 List-Unsubscribe address does not exist
550 Message-Id domain does not exist
550 URL in message body does not exist / domain in link not found
550 this message links to an invalid domain
550 unknown hostname [192.0.2.1]
550 The account of the sender has been deactivated
550 SMTP user not found
550 invalid user name or password
550 invalid character in address list header
550 Your address 192.0.2.1 is not found in DNS
550 Connecting address unknown
550 remote address not recognized
550 unrecognized client address
550 your network address is unknown
550 origin address invalid
550 L'adresse IP est invalide
550 indirizzo IP sconosciuto
550 indirizzo mittente inesistente
550 Endereço do remetente inexistente
550 SPF记录不存在
550 SPFレコードが存在しません
550 逆引きが存在しません
""".strip().splitlines()

#: What is blocked, enclosed or disabled is no mailbox.
OTHER_THINGS = """
550 Country blocked by recipient server
550 attachment blocked
550 URL blocked
550 the enclosed document is not accepted
550 The undisclosed recipients are not accepted
550 forwarding is disabled
550 relaying is disabled
550 service disabled
550 the feature is disabled for your tenant
550 Outgoing mail from this account is suspended
550 Your account has been suspended
550 your mailbox is disabled for sending
550 Sending account disabled by administrator
550 delivery of newsletters is disabled
550 password expired, account locked for sending
550 certificate expired
550 message expired
550 domain registration of sender expired
550 SMTP AUTH is disabled for this account
550 mail blocked by user's country filter
550 link locked
550 the closing boundary is missing
550 unclosed MIME part
550 mail transport suspended
550 service for papers.example.org is suspended
550 your subscription has expired
550 the trial period expired
550 license expired
550 signature expired
550 The sender's account is closed
550 outbound mail disabled
550 Sending has been suspended for this account
550 account is not allowed to send mail
550 this mailbox may not send
550 TLS disabled
550 receiving of newsletters disabled by administrator
550 mail delivery is disabled for maintenance
550 The archive mailbox is disabled
550 journaling disabled
550 rejected: see policy
550 user unknown in policy table
550 hosting account of sender suspended
550 blocked by user's spam settings
550 this user blocks mail of unknown senders
550 mailbox unavailable - message content rejected
550 Requested action not taken: mailbox unavailable. Message looks like bulk.
550 mailbox unavailable due to virus
550 no such user may send here
550 there is no user who wants this
550 recipient not found in your address book
550 nobody here wants your mail
550 invalid address in Reply-To
550 invalid recipients in the To header
550 undisclosed recipients are invalid
550 the To: header has an invalid address
550 invalid Cc address
550 Header address invalid
550 service not available for unknown hosts
550 Your postmaster account does not exist
550 suspicious URL: host not found
""".strip().splitlines()

#: Short replies of relays; codes that judge the sender go before words.
CODES = """
550 5.1.8 Sender address rejected
550 5.4.5 Daily user sending limit exceeded
521 5.2.1 this service will not accept delivery
530 5.7.0 Authentication required
550 5.3.190 the archive is disabled
554 5.2.252 SendAsDenied; a not allowed to send as b
550 5.1.8 Access denied, bad outbound sender
550 5.1.90 You have reached your daily limit for message recipients
550 Domain papers.example.org has exceeded the max emails per hour (8/8) allowed. Message discarded.
541 5.4.1 Message rejected as spam by content scanning
571 Delivery not authorized, message refused
550 5.4.6 Unusual sending activity detected. Please try after some time
550 5.1.0 <bounces@papers.example.org>: Sender address rejected: User unknown in virtual mailbox table
550 User weekly@papers.example.org has exceeded its 24-hour sending limit. Relay quota will reset in 3.2 hours.
550 5.1.0 sender verify failed
550 Sender verify failed
550 Callback failed for sender
550 Requested action not taken: mailbox unavailable. Spam message rejected.
550 mailbox unavailable: message violates policy
550 5.1.1 rejected for policy reasons
550 5.1.1 unknown user or policy violation
554 Message not allowed - policy violation, user not found
550 5.1.1 Greylisted, please try again
550 5.1.1 Your IP address is unknown
550 Unknown sender address
550 no valid SPF record
550 hostname not found for your IP
550 The address you sent from is not valid
550 Domain of the sender is unknown
550 the mailer is not known
450 4.1.1 user unknown
""".strip().splitlines()


@pytest.mark.parametrize("words", [*CALLOUT, *FULL, *SENDER, *OTHER_THINGS, *CODES])
def test_what_is_not_said_of_the_recipient_changes_nobody(words: str) -> None:
    assert {effect(words, phase) for phase in PHASES} == {Effect.NOTHING}


#: Who is gone, said at RCPT or with nothing that tells otherwise.
GONE = """
550 5.1.1 <a@b.example>: no such user here
550 no user of that name
550 <a@b.example>: Recipient address rejected: User unknown in local recipient table
550 unknown user
550 user does not exist
550 There is no mailbox of that name on this server
550 5.1.1 undeliverable address: host mx.example[192.0.2.7] said: 550 5.1.1 user unknown (in reply to RCPT TO command)
550 5.1.1 Mailbox not found
550 5.1.1 Recipient not found
551 User not local
550 invalid mailbox
550 The mailbox you wrote to does not exist
550 5.1.2 domain does not exist
550 5.1.10 Null MX
556 5.1.10 Recipient address has null MX
550 5.1.1
550 unknown recipient
550 No such person at this address
550 5.1.1 La cuenta no existe
550 5.1.1 Benutzer unbekannt
550 Benutzer unbekannt
550 Utilisateur inconnu
550 Utente sconosciuto
550 Пользователь не существует
550 アドレスが存在しません
550 用户不存在
550 Account does not exist
550 5.1.6 recipient no longer on server
550 5.1.1 Address does not exist, check the spelling
550-5.1.1 The email account that you tried to reach does not exist. Please try
550-5.1.1 double-checking the recipient's email address for typos or
550 5.1.1 unnecessary spaces.
550 5.5.0 Requested action not taken: mailbox unavailable
550 5.4.1 Recipient address rejected: Access denied
550 no such mailbox
550 Invalid recipient
550 Unknown local part
550 Unrouteable address
550 user left the company; no such account
550 email address could not be found
550 this user doesn't have an account here
550 5.1.1 no such user, check the address please
550 The recipient does not exist
550 <a@b.example>: user not found
550 Sorry, no mailbox here by that name
550 mailbox does not exist
550 5.1.1 Recipient unknown
554 5.1.1 unknown or illegal alias
550 No such recipient
550 unknown user name
550 user is unknown here
550 this address does not exist
550 a@b.example does not exist
550 a@b.example is unknown
550 <a@b.example> No such address
550 5.1.1 Adressat unbekannt
550 Empfänger unbekannt
550 Destinataire inconnu
550 El destinatario no existe
550 Usuário inexistente
550 Destinatario sconosciuto
550 Получатель не найден
550 5.1.2 no such domain
550 5.1.1 keine solche Adresse
550 invalid user
550 5.1.1 The user you are trying to contact is not here any more
550 unknown mailbox
550 Recipient address rejected: User unknown in virtual mailbox table
550 No such mailbox here
550 is not a valid mailbox
550 we have no such user
550 no such account
550 Postfach existiert nicht
550 Diese Adresse existiert nicht
550 Unbekannter Benutzer
550 Unbekannter Empfänger
550 Adresse unbekannt
550 Esta cuenta no existe
550 Gebruiker onbekend
550 Onbekende gebruiker
550 Ontvanger bestaat niet
550 Dit adres bestaat niet
550 Nie ma takiego użytkownika
550 Użytkownik nie istnieje
550 Nieznany użytkownik
550 Nieznany odbiorca
550 Skrzynka nie istnieje
550 Användaren finns inte
550 Okänd mottagare
550 Ukjent bruker
550 Ukendt bruger
550 Tuntematon käyttäjä
550 Uživatel neexistuje
550 Neznámý uživatel
550 Ismeretlen felhasználó
550 Kullanıcı bulunamadı
550 Böyle bir kullanıcı yok
550 Пользователь неизвестен
550 Користувача не знайдено
550 宛先不明
550 没有此用户
550 无此用户
550 查无此人
550 查無此人
550 無此使用者
550 사용자가 존재하지 않습니다
550 수신자를 찾을 수 없습니다
550 존재하지 않는 사용자입니다
550 5.1.1 User unknown in LDAP directory
550 no such user; please remove from your mailing list
550 5.1.1 Address does not exist; please update your contacts
550 user not found in address book
""".strip().splitlines()


@pytest.mark.parametrize("words", GONE)
def test_a_recipient_who_is_gone_is_found_out_beside_them(words: str) -> None:
    assert {effect(words, phase) for phase in PHASES[:2]} == {Effect.BOUNCES}


DOUBTFUL = """
550 5.2.1 This account is suspended
550 5.2.1 The email account that you tried to reach is disabled
550 mailbox locked
550 user account closed
550 recipient's mailbox is deactivated
550 mailbox frozen due to inactivity
554 Account disabled
550 The recipient's account has expired
550 5.2.1 mailbox disabled
550 5.2.1 Mailbox disabled, not accepting messages
550 user suspended
550 this mailbox has been closed
550 The account of the recipient is locked
550 account inactive
550 Account has been deactivated
""".strip().splitlines()


@pytest.mark.parametrize("words", DOUBTFUL)
def test_an_account_that_is_locked_counts(words: str) -> None:
    assert {effect(words, phase) for phase in PHASES} == {Effect.COUNTS}


def test_a_notice_without_code_or_phase_counts_only() -> None:
    assert effect("550 no such user here", loose=True) is Effect.COUNTS
    assert effect("550 5.1.1 no such user here", loose=True) is Effect.BOUNCES
    assert effect("550 <ada@example.net>: User unknown", loose=True) is Effect.BOUNCES
    assert effect("550 : User unknown") is Effect.COUNTS


@pytest.mark.parametrize("phase", [" (in reply to MAIL FROM command)", " (in reply to EHLO command)"])
def test_nothing_is_known_of_a_recipient_before_rcpt(phase: str) -> None:
    assert effect("550 5.1.1 user unknown", phase) is Effect.NOTHING


def test_a_host_that_is_unknown_and_has_an_address_of_numbers_is_ours() -> None:
    assert effect("550 unknown hostname [192.0.2.1]") is Effect.NOTHING
    assert effect("550 unknown host b.example") is Effect.BOUNCES


def test_a_code_of_an_unknown_user_stands_where_no_words_speak_against_it() -> None:
    assert effect("550 5.1.1 <ada@example.net> Onbekend woord") is Effect.BOUNCES
    assert effect("550 5.1.1 refused: your server looks like a spammer") is Effect.NOTHING
    assert classify(Diagnostic("", status="5.1.1")) == (Reason.USERUNKNOWN, False)


def found(phrase: str, text: str) -> bool:
    name, pattern = next((name, pattern) for name, pattern in sections("reasons") if pattern.search(phrase))
    return bool(pattern.search(text)) and name != ""


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("account locked", "account blocked"),
        ("mailbox closed", "mailbox enclosed"),
        ("user unknown", "user unknowns"),
        ("no such user", "no suchuser"),
        ("mailbox is full", "mailbox is fully working"),
        ("host unknown", "ghost unknown"),
    ],
)
def test_a_phrase_ends_at_the_edges_of_words(phrase: str, text: str) -> None:
    assert found(phrase, phrase)
    assert not found(phrase, text)


def test_no_pattern_fits_the_empty_text_or_a_blank() -> None:
    assert [name for name, pattern in sections("reasons") if pattern.search("") or pattern.search(" ")] == []


def test_sections_have_the_name_of_a_reason_or_one_that_the_judge_knows() -> None:
    names = {name for name, _ in sections("reasons")}

    assert names - {reason.value for reason in Reason} == {"nobody", "doubtful", "gone", "doubt"}
    assert all(re.fullmatch("[a-z]+", name) for name in names)
